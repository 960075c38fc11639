import { UsageError } from '../../cli/fault.ts'
import type { Option } from '../../cli/option.ts'
import type { Service } from '../../config/config.ts'
import { readServices } from '../../config/service.ts'

/** The option for the ports that everybody may use. */
export const ALLOW = {
  value: 'PORTS',
  many: true,
  read: allowedPorts,
  help: 'ports that are open to everybody, as in tcp/80,tcp/443',
} as const satisfies Option

/** Reads ports of this host between commas. @throws UsageError */
export function allowedPorts(text: string): readonly Service[] {
  const read = readServices(text)
  if ('message' in read) throw new UsageError(read.message, read.hint)
  if (read.value.some(({ host }) => host !== undefined)) throw new UsageError('only ports of this host')
  return read.value
}
