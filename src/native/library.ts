import koffi from './koffi.ts'
import type { LibraryHandle } from 'koffi'

/** A C function, and its name for messages. */
export type NativeFunction = ReturnType<LibraryHandle['func']>

/** A system library that is not installed. */
export class MissingLibraryError extends Error {
  constructor(name: string, hint: string, options: ErrorOptions) {
    super(`${name} is not installed\n  ${hint}`, options)
    this.name = 'MissingLibraryError'
  }
}

/** Loads the first of these shared libraries that is installed. @throws MissingLibraryError if all are missing */
export function loadLibrary(name: string, files: readonly string[], hint: string): LibraryHandle {
  let cause: unknown
  for (const file of files) {
    try {
      return koffi.load(file)
    } catch (error) {
      cause = error
    }
  }
  throw new MissingLibraryError(name, hint, { cause })
}
