import { sendToUnixSocket } from '../native/libc.ts'

/** Milliseconds between two status lines. */
export const STATUS_PAUSE_MS = 1_000
/** Milliseconds in which several changes give one status line. */
const STATUS_SETTLE_MS = 100

/** Sends assignments such as `READY=1` to the service manager, in one message (sd_notify(3)). */
export type Notify = (...assignments: readonly string[]) => void

/** Returns true if a service manager wants to know the daemon's state. */
export function isSupervised({ NOTIFY_SOCKET: path = '' } = process.env): boolean {
  return path !== ''
}

/** Reports the daemon's state to the service manager, if there is one. */
export const notify: Notify = (...assignments) => {
  send(assignments, true)
}

/** Reports what may be lost: a service manager that hangs does not stop the daemon. */
export const notifyLoosely: Notify = (...assignments) => {
  send(assignments, false)
}

function send(assignments: readonly string[], wait: boolean): void {
  const { NOTIFY_SOCKET: path } = process.env
  if (path !== undefined && isSupervised()) sendToUnixSocket(path, assignments.join('\n'), wait)
}

/** Reports that a reload begins. Type=notify-reload compares the time with that of its signal (systemd.service(5)). */
export function notifyReloading(tell = notify): void {
  tell('RELOADING=1', `MONOTONIC_USEC=${process.hrtime.bigint() / 1_000n}`)
}

/** The status line that the service manager shows. It is sent when it changes, at most one in {@link STATUS_PAUSE_MS}. */
export class StatusLine {
  readonly #read: () => string
  readonly #tell: Notify
  #text = ''
  #toldAt = -Infinity
  #timer: NodeJS.Timeout | undefined
  #stopped = false

  /** @param read returns the present text, of one line */
  constructor(read: () => string, tell = notifyLoosely) {
    this.#read = read
    this.#tell = tell
  }

  /** Sends the status soon, if it has changed. */
  changed(): void {
    if (this.#timer !== undefined || this.#stopped) return
    const wait = Math.max(STATUS_SETTLE_MS, this.#toldAt + STATUS_PAUSE_MS - performance.now())
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      const text = this.#read()
      if (text === this.#text) return
      this.#text = text
      this.#toldAt = performance.now()
      this.#tell(`STATUS=${text}`)
    }, wait).unref()
  }

  stop(): void {
    this.#stopped = true
    clearTimeout(this.#timer)
  }
}
