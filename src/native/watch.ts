import koffi from 'koffi'

/** A descriptor that the event loop watches. */
export interface Watched {
  /** Watches on after `pause`. */
  resume(): void
  pause(): void
  close(): void
}

/** What is watched must not be collected while only the event loop knows of it. */
const watched = new Set<Watched>()

/**
 * Calls back from the event loop while the descriptor is readable. The callback runs as a task of its own, so what it
 * throws and the promises it settles are treated as usual.
 */
export function watchReadable(fd: number, onReadable: () => void): Watched {
  let pending = false
  let closed = false
  const wake = (status: unknown): void => {
    if (pending) return
    pending = true
    setImmediate(() => {
      pending = false
      if (!closed) onReadable()
      // An error on the descriptor, such as a link going down, ends the watch: uv_poll_start(3) begins it anew.
      if (status !== 0 && !closed) handle.start({ readable: true }, wake)
    })
  }
  const handle = koffi.node.poll(fd, { readable: true }, wake)
  const result: Watched = {
    resume() {
      if (!closed) handle.start({ readable: true }, wake)
    },
    pause() {
      if (!closed) handle.stop()
    },
    close() {
      if (closed) return
      closed = true
      handle.close()
      watched.delete(result)
    },
  }
  watched.add(result)
  return result
}
