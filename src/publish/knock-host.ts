import { formatAddress, parseAddress } from '../packet/address.ts'

/** The host at which a page may knock. */
export interface KnockHost {
  /** The host for commands: IPv6 without brackets. */
  readonly name: string
  /** The host for URLs and the page's policy; `undefined` if no policy can allow it. */
  readonly urlHost: string | undefined
  readonly isName: boolean
}

/**
 * The format of a DNS label is from RFC 1123, 2.1, its length from RFC 1035, 2.3.4. The policy's grammar allows no
 * other characters (CSP 3, 2.3.1).
 */
const LABEL = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/i
const NAME_MAX_CHARS = 253

/** Reads a host: an ASCII DNS name or an address, IPv6 with or without brackets. Returns `undefined` for other text. */
export function readKnockHost(text: string): KnockHost | undefined {
  const address = parseAddress(/^\[(.*:.*)\]$/.exec(text)?.[1] ?? text)
  if (address !== undefined) {
    const name = formatAddress(address)
    return { name, urlHost: address.family === 6 ? undefined : name, isName: false }
  }
  if (text.length > NAME_MAX_CHARS) return undefined
  const labels = text.split('.')
  const isAddressLike = /^(?:[0-9]+|0x[0-9a-f]*)$/i.test(labels.at(-1)!)
  if (isAddressLike || !labels.every((label) => LABEL.test(label))) return undefined
  return { name: text, urlHost: text.toLowerCase(), isName: true }
}
