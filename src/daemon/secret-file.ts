import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs'
import { FileTooLargeError } from '../state/disk.ts'

/**
 * Reads a file of secrets whole.
 *
 * @throws FileTooLargeError beyond `maxBytes`, an Error if it is no regular file, or the system's error
 */
export function readSecretFile(path: string, maxBytes: number): string {
  // Without O_NONBLOCK a pipe of that name would hold the daemon up.
  const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
  try {
    const stat = fstatSync(fd)
    if (!stat.isFile()) throw new Error(`${path}: not a file`)
    if (stat.size > maxBytes) throw new FileTooLargeError(path, stat.size, maxBytes)
    const bytes = Buffer.alloc(stat.size)
    let length = 0
    while (length < bytes.length) {
      const count = readSync(fd, bytes, length, bytes.length - length, length)
      if (count === 0) break
      length += count
    }
    return bytes.toString('utf8', 0, length)
  } finally {
    closeSync(fd)
  }
}
