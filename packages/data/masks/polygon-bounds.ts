/** The smallest box around polygons `[x1, y1, …]`, in their units: left, top, right, bottom. */
export function boundsOf(polygons: readonly ArrayLike<number>[]): [x1: number, y1: number, x2: number, y2: number] {
  const bounds: [number, number, number, number] = [Infinity, Infinity, -Infinity, -Infinity];
  for (const polygon of polygons) {
    for (let i = 0; i < polygon.length; i++) {
      const axis = i % 2;
      if (polygon[i] < bounds[axis]) bounds[axis] = polygon[i];
      if (polygon[i] > bounds[axis + 2]) bounds[axis + 2] = polygon[i];
    }
  }
  return bounds;
}
