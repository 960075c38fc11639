/** What became of a frame. */
export const PACKET = 0
/** Not for us: no TCP or UDP over IP, a later fragment, or a packet that this host sent. */
export const OTHER = 1
/** Cut off before the fields that are needed. */
export const SHORT = 2
/** Its own lengths contradict each other. */
export const MALFORMED = 3
export type Verdict = typeof PACKET | typeof OTHER | typeof SHORT | typeof MALFORMED
