import { watch as watchByKernel } from 'node:fs'
import { basename, dirname } from 'node:path'

/** Milliseconds without a change before a file is read, as editors empty a file before they fill it. */
export const WATCH_SETTLE_MS = 100

/** An active watch. */
export interface Watch {
  close(): void
}

/**
 * Calls `onChange` when the file was written, created, replaced or removed, and then unchanged for {@link
 * WATCH_SETTLE_MS}. The kernel watches its folder, because editors replace files by new ones. If the path is a symbolic
 * link to another folder, only the link is watched. {@link WatchedFile} watches both.
 *
 * @param onError called with the system's error when the watch has ended
 * @throws the system's error if the folder cannot be watched
 */
export function watch(path: string, onChange: () => void, onError: (error: Error) => void): Watch {
  return watchFolder(dirname(path), onChange, onError, basename(path))
}

/** Watches one name in a folder, or all of them. @throws the system's error if it cannot be watched */
export function watchFolder(
  folder: string,
  onChange: () => void,
  onError: (error: Error) => void,
  name?: string,
): Watch {
  let settling: NodeJS.Timeout | undefined
  const watcher = watchByKernel(folder, { persistent: false }, (_event, changed) => {
    // Some systems do not report which name changed.
    if (name !== undefined && changed !== null && changed !== name) return
    clearTimeout(settling)
    settling = setTimeout(onChange, WATCH_SETTLE_MS).unref()
  })
  watcher.on('error', onError)
  return {
    close() {
      clearTimeout(settling)
      watcher.close()
    },
  }
}
