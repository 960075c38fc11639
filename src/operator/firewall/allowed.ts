import type { Service } from '../../config/config.ts'
import { readServices } from '../../config/service.ts'

/** Reads the values of `--allow`. @returns the ports of this host, or what is wrong with the values */
export function readAllowed(
  values: readonly string[],
): { readonly allowed: readonly Service[] } | { readonly usage: string } {
  const allowed: Service[] = []
  for (const value of values) {
    const read = readServices(value)
    if ('message' in read) return { usage: `--allow: ${read.message}\n  ${read.hint}` }
    if (read.value.some(({ host }) => host !== undefined)) return { usage: '--allow takes ports of this host' }
    allowed.push(...read.value)
  }
  return { allowed }
}
