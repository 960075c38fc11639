/**
 * Returns the reason why a host cannot join with its clock; `undefined`: it can.
 *
 * @param aheadMs milliseconds by which its clock is ahead of the operator's
 */
export function clockDoubt(aheadMs: number, skewMs: number): string | undefined {
  if (Math.abs(aheadMs) <= skewMs) return undefined
  const seconds = Math.round(Math.abs(aheadMs) / 1_000)
  return `its clock is ${seconds} s ${aheadMs > 0 ? 'ahead of' : 'behind'} the operator's (at most ${skewMs / 1_000} s)`
}
