import { setFlagsFromString } from 'node:v8'

/** V8's options (node --v8-options) that are read each time they matter, so that they can be set in a running process. */
export const FLAGS = ['--semi-space-growth-factor=1', '--optimize-for-size']

/**
 * Keeps the young generation of V8's heap at its first size of 1 MiB. By default it grows to 16 MiB under load, three
 * times over, and shrinks late: most of what a daemon takes after a flood. An option unknown to V8 has no effect.
 */
export function keepHeapSmall(): void {
  for (const flag of FLAGS) setFlagsFromString(flag)
}
