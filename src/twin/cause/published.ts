import { formatAddress, parseAddress } from '../../packet/address.ts'
import type { Address } from '../../packet/address.ts'

/** A port of this machine that a rule forwards to another address, as Docker does for published ports. */
export interface Published {
  readonly protocol: 'tcp' | 'udp'
  readonly port: number
  /** The address and port that packets are forwarded to. */
  readonly to: { readonly address: Address; readonly port: number }
  readonly rule: string
}

/** Returns the published ports in rules, as of `--dport 8080 -j DNAT --to-destination 172.17.0.2:80`. */
export function publishedIn(rules: readonly string[]): readonly Published[] {
  return rules.flatMap((rule) => {
    const to = /(?:--to-destination |\bdnat (?:ip6? )?to )(\[[0-9a-f:]+\]|[0-9.]+):(\d+)\b/.exec(rule)
    const from = /(?:--dport |\b(tcp|udp) dport )(\d+)\b/.exec(rule)
    const address = to === null ? undefined : parseAddress(to[1]!.replaceAll(/[[\]]/g, ''))
    if (address === undefined || from === null) return []
    const protocol = /-p udp\b|\budp dport/.test(rule) ? 'udp' : 'tcp'
    return [{ protocol, port: Number(from[2]), to: { address, port: Number(to![2]) }, rule }]
  })
}

/** Formats the target of a published port: `172.17.0.2:80`. */
export function targetText({ to: { address, port } }: Published): string {
  const text = formatAddress(address)
  return address.family === 4 ? `${text}:${port}` : `[${text}]:${port}`
}
