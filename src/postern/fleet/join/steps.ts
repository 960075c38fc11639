/** The value of the operator's key until a host has come. */
export const WAITING = 'waiting'
/** The message of a host whose files are written. */
export const DONE_MARK = 'done'
