import { formatAddress, sameAddress } from '../packet/address.ts'
import type { Address, Family } from '../packet/address.ts'
import { ADDRESS_BITS, contains, networkOf, parseNetwork } from '../packet/network.ts'
import type { Network } from '../packet/network.ts'
import type { LinkAddress } from './machine.ts'

/** Networks for documentation, which no machine has (RFC 5737, RFC 3849). They are used if the machine's cannot be. */
const ELSEWHERE: Readonly<Record<Family, readonly string[]>> = {
  4: ['198.51.100.0/24', '203.0.113.0/24'],
  6: ['2001:db8:5057::/64'],
}
/** The longest prefix of a network that has enough addresses to pick from. */
const PICKED_FROM: Readonly<Record<Family, number>> = { 4: 29, 6: 120 }
/** The prefix that is used instead of a longer one, around the machine's address. */
const AROUND: Readonly<Record<Family, number>> = { 4: 24, 6: 64 }
/** The number of addresses that are tried before a network counts as full. */
const LOOKS_MAX = 4_096
const WORD_BITS = 32

/** The facts that decide which addresses may knock. */
export interface Whereabouts {
  readonly own: readonly LinkAddress[]
  /** The addresses of the interface that is knocked at. */
  readonly watched: readonly LinkAddress[]
  /** The networks that reach guarded ports without a knock. A knock from there proves nothing. */
  readonly alwaysAllow: readonly Network[]
  /** The text of the rules. The addresses in it are not used. */
  readonly rules: string
  /** The addresses of `--from`. Knocks come from their /24 or /64 networks. */
  readonly from: readonly Address[]
}

/** Chooses addresses to knock from, each once. */
export class Knockers {
  readonly #around: Whereabouts
  readonly #taken: Address[] = []

  constructor(around: Whereabouts) {
    this.#around = around
  }

  /**
   * Returns an unused address of the family, from `allowFrom` if it is not empty; `undefined` if all are used.
   */
  next(family: Family, allowFrom: readonly Network[]): string | undefined {
    const mine = allowFrom.filter(({ address }) => address.family === family)
    if (allowFrom.length > 0 && mine.length === 0) return undefined
    for (const network of mine.length > 0 ? mine : this.#networks(family)) {
      for (const address of addressesIn(network)) {
        if (!this.#fits(address)) continue
        this.#taken.push(address)
        return formatAddress(address)
      }
    }
    return undefined
  }

  #networks(family: Family): readonly Network[] {
    const { watched, from } = this.#around
    const asked = from.filter((address) => address.family === family)
    if (asked.length > 0) return asked.map((address) => networkOf(address, AROUND[family]))
    const near = watched
      .filter(({ address }) => address.family === family)
      .map(({ address, prefix }) => networkOf(address, prefix > PICKED_FROM[family] ? AROUND[family] : prefix))
    return [...near, ...ELSEWHERE[family].map((text) => parseNetwork(text)!)]
  }

  #fits(address: Address): boolean {
    const { own, alwaysAllow, rules } = this.#around
    if (this.#taken.some((other) => sameAddress(other, address))) return false
    if (own.some((other) => sameAddress(other.address, address))) return false
    if (alwaysAllow.some((network) => contains(network, address))) return false
    return !standsIn(rules, formatAddress(address))
  }
}

/** Returns true if a text contains an address as a whole word. */
export function standsIn(text: string, address: string): boolean {
  for (let at = text.indexOf(address); at >= 0; at = text.indexOf(address, at + 1)) {
    if (!/[0-9a-f.:]/.test(text[at - 1] ?? ' ') && !/[0-9a-f.:]/.test(text[at + address.length] ?? ' ')) return true
  }
  return false
}

/** Yields addresses that are probably unused: IPv4 from the top down, IPv6 from well above the bottom upwards. */
function* addressesIn({ address, prefix }: Network): Generator<Address> {
  const { family } = address
  const bits = ADDRESS_BITS[family] - prefix
  if (bits === 0) {
    yield address
    return
  }
  const size = 2 ** Math.min(bits, WORD_BITS)
  if (family === 4) {
    // The last one is the broadcast address, the first the network's.
    for (let step = 2; step < Math.min(size, LOOKS_MAX); step++) yield { ...address, a: (address.a + size - step) | 0 }
    return
  }
  const begin = bits > 16 ? 0xfe01 : 1
  for (let step = begin; step < Math.min(size, begin + LOOKS_MAX); step++)
    yield { ...address, d: (address.d + step) | 0 }
}
