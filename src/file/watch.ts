import { watch as watchByKernel } from 'node:fs'
import { basename, dirname } from 'node:path'

/** Milliseconds a file has to be left alone before it is read: editors empty a file before they fill it. */
export const WATCH_SETTLE_MS = 100

/** A watch that is kept. */
export interface Watch {
  close(): void
}

/**
 * Calls `onChange` when the file was written, made, replaced or taken away, once it has been left alone for
 * {@link WATCH_SETTLE_MS}. It is the folder that is watched, by the kernel: editors replace files by new ones. Of a file
 * behind a symbolic link in another folder only the link is watched: {@link WatchedFile} watches both.
 *
 * @param onError the watch has ended, with the system's error
 * @throws the system's error if the folder cannot be watched
 */
export function watch(path: string, onChange: () => void, onError: (error: Error) => void): Watch {
  return watchNames(dirname(path), basename(path), onChange, onError)
}

/** The same for everything that is directly in a folder. @throws the system's error if it cannot be watched */
export function watchFolder(folder: string, onChange: () => void, onError: (error: Error) => void): Watch {
  return watchNames(folder, undefined, onChange, onError)
}

function watchNames(
  folder: string,
  name: string | undefined,
  onChange: () => void,
  onError: (error: Error) => void,
): Watch {
  let settling: NodeJS.Timeout | undefined
  const watcher = watchByKernel(folder, { persistent: false }, (_event, changed) => {
    // Some systems do not say which name it was.
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
