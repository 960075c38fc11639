/** Waits for a promise, at most `ms` milliseconds. `undefined`: the promise is still pending. */
export async function within<Result>(something: Promise<Result>, ms: number): Promise<Result | undefined> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), ms)
  })
  const result = await Promise.race([something, late])
  clearTimeout(timer)
  return result
}
