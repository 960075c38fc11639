import koffi from './koffi.ts'

/**
 * Gives memory that the C library keeps for later back to the system (malloc_trim(3), glibc alone). It takes a
 * millisecond. Elsewhere it does nothing.
 */
export function trimMemory(): void {
  try {
    koffi.load(null).func('int malloc_trim(size_t pad)')(0)
  } catch {
    // This C library has no such function.
  }
}
