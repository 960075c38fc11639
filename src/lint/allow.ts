import { formatNetwork } from '../packet/network.ts'
import type { FaultList } from '../text/fault.ts'
import { quote } from '../text/fault.ts'
import type { Config } from '../config/config.ts'

/**
 * Shortest prefixes that cause no warning: a 256th of all IPv4 addresses, the largest block assigned; likewise for
 * IPv6.
 */
const PREFIX_MIN = { 4: 8, 6: 16 } as const

/** Warns of networks in Always_Allow that are the whole internet, or a large part of it. */
export function warnOfAlwaysAllow({ options, places }: Config, faults: FaultList): void {
  const entry = places.options.alwaysAllow
  if (entry === undefined) return
  for (const network of options.alwaysAllow) {
    const { address, prefix } = network
    if (prefix >= PREFIX_MIN[address.family]) continue
    const text = quote(formatNetwork(network))
    const message =
      prefix === 0
        ? `${text} is everybody over IPv${address.family}: no port is hidden from them, no door is needed`
        : `${text} is a large part of the internet, from which no port is hidden`
    faults.warning(entry.line, entry.valueColumn, message, 'name the network that you administer from, or take it out')
  }
}
