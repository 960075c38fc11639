/** The result of decoding a frame. */
export const PACKET = 0
/** The frame is not TCP or UDP over IP, is a later fragment, or was sent by this host. */
export const OTHER = 1
/** The frame ends before the required fields. */
export const SHORT = 2
/** The frame's length fields contradict each other. */
export const MALFORMED = 3
export type Verdict = typeof PACKET | typeof OTHER | typeof SHORT | typeof MALFORMED
