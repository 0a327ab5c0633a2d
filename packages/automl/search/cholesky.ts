/**
 * The Cholesky factor L of a symmetric positive definite matrix, L·Lᵀ = A, in place of it.
 *
 * @param a `[n, n]`, row after row; only its lower triangle is read and written
 * @returns false where A is not positive definite; `a` is spoiled then
 */
export function factorise(a: Float64Array, n: number): boolean {
  for (let i = 0; i < n; i++) {
    for (let k = 0; k <= i; k++) {
      let sum = a[i * n + k];
      for (let q = 0; q < k; q++) sum -= a[i * n + q] * a[k * n + q];
      if (k < i) a[i * n + k] = sum / a[k * n + k];
      else if (sum > 0) a[i * n + i] = Math.sqrt(sum);
      else return false;
    }
  }
  return true;
}

/** x with L·x = b, in place of b. */
export function solveLower(l: Float64Array, n: number, b: Float64Array): void {
  for (let i = 0; i < n; i++) {
    let sum = b[i];
    for (let k = 0; k < i; k++) sum -= l[i * n + k] * b[k];
    b[i] = sum / l[i * n + i];
  }
}

/** x with Lᵀ·x = b, in place of b. */
export function solveUpper(l: Float64Array, n: number, b: Float64Array): void {
  for (let i = n - 1; i >= 0; i--) {
    b[i] /= l[i * n + i];
    for (let k = 0; k < i; k++) b[k] -= l[i * n + k] * b[i];
  }
}

/** The lower triangle of the inverse of L·Lᵀ. */
export function inverse(l: Float64Array, n: number): Float64Array {
  // L⁻¹ row by row, each from the ones before, then L⁻ᵀ·L⁻¹: the inner loops run along rows.
  const lower = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    for (let k = 0; k < i; k++) {
      const factor = l[i * n + k];
      for (let c = 0; c <= k; c++) lower[i * n + c] -= factor * lower[k * n + c];
    }
    const diagonal = l[i * n + i];
    lower[i * n + i] = 1;
    for (let c = 0; c <= i; c++) lower[i * n + c] /= diagonal;
  }
  const result = new Float64Array(n * n);
  for (let q = 0; q < n; q++) {
    for (let i = 0; i <= q; i++) {
      const factor = lower[q * n + i];
      for (let k = 0; k <= i; k++) result[i * n + k] += factor * lower[q * n + k];
    }
  }
  return result;
}
