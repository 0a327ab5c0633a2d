/** The area of a polygon `[x1, y1, …]`, in its own units (the shoelace formula); that of a hole cut into it not counted. */
export function polygonArea(polygon: ArrayLike<number>): number {
  return Math.abs(signedArea(polygon));
}

/** Positive where the points go round clockwise on the screen, y pointing down. */
export function signedArea(polygon: ArrayLike<number>): number {
  let twice = 0;
  for (let i = 0, j = polygon.length - 2; i < polygon.length; j = i, i += 2)
    twice += polygon[j] * polygon[i + 1] - polygon[i] * polygon[j + 1];
  return twice / 2;
}
