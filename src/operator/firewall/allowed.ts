import type { Service } from '../../config/config.ts'
import { readServices } from '../../config/service.ts'

/** Reads the values of `--allow`. @returns the ports of this host, or what is wrong with the values */
export function readAllowed(
  values: readonly string[],
): { readonly allowed: readonly Service[] } | { readonly usage: string } {
  const allowed: Service[] = []
  for (const value of values) {
    let usage = ''
    const fault = (_offset: number, message: string, hint?: string): void => {
      usage = `--allow: ${message}${hint === undefined ? '' : `\n  ${hint}`}`
    }
    const services = readServices(value, { error: fault, warning: fault })
    if (services === undefined) return { usage }
    if (services.some(({ host }) => host !== undefined)) return { usage: '--allow takes ports of this host' }
    allowed.push(...services)
  }
  return { allowed }
}
