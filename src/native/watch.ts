import koffi from './koffi.ts'

/** A descriptor that the event loop watches. */
export interface Watched {
  /** False while it is paused, and once it is closed. */
  readonly isActive: boolean
  /** Continues watching after `pause`. */
  resume(): void
  pause(): void
  close(): void
}

/** Keeps watched objects from garbage collection while only the event loop refers to them. */
const watched = new Set<Watched>()

/**
 * Calls back from the event loop while the descriptor is readable. The callback runs as a separate task, so its
 * exceptions and promises are handled as usual.
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
      // An error on the descriptor, such as a link going down, ends the watch: uv_poll_start(3) restarts it.
      if (status !== 0 && !closed) handle.start({ readable: true }, wake)
    })
  }
  const handle = koffi.node.poll(fd, { readable: true }, wake)
  let isActive = true
  const result: Watched = {
    get isActive() {
      return isActive
    },
    resume() {
      if (closed) return
      isActive = true
      handle.start({ readable: true }, wake)
    },
    pause() {
      if (closed) return
      isActive = false
      handle.stop()
    },
    close() {
      if (closed) return
      closed = true
      isActive = false
      handle.close()
      watched.delete(result)
    },
  }
  watched.add(result)
  return result
}
