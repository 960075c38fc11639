import { formatAddress, sameAddress } from '../../packet/address.ts'
import type { Address, Family } from '../../packet/address.ts'
import { ADDRESS_BITS, contains, networkOf, parseNetwork } from '../../packet/network.ts'
import type { Network } from '../../packet/network.ts'
import type { LinkAddress } from './machine.ts'

/** Networks that no machine has (RFC 5737, RFC 3849), where the machine's own cannot be used. */
const ELSEWHERE: Readonly<Record<Family, readonly string[]>> = {
  4: ['198.51.100.0/24', '203.0.113.0/24'],
  6: ['2001:db8:5057::/64'],
}
/** The widest network that addresses are picked from, bits that count: for one host of its own there is none to pick. */
const PICKED_FROM: Readonly<Record<Family, number>> = { 4: 29, 6: 120 }
/** What is taken instead, around the machine's own address. */
const AROUND: Readonly<Record<Family, number>> = { 4: 24, 6: 64 }
/** Addresses that are looked at before a network counts as full. */
const LOOKS_MAX = 4_096
const WORD_BITS = 32

/** What decides which addresses may knock. */
export interface Whereabouts {
  readonly own: readonly LinkAddress[]
  /** Those of the interface that is knocked at. */
  readonly watched: readonly LinkAddress[]
  /** Networks that reach guarded ports without knocking: nothing is learnt from there. */
  readonly alwaysAllow: readonly Network[]
  /** The rules' text: an address that stands in it is somebody's. */
  readonly rules: string
  /** An address to begin with, if the user names one. */
  readonly from: readonly Address[]
}

/** Gives out addresses to knock from, each once. */
export class Knockers {
  readonly #around: Whereabouts
  readonly #taken: Address[] = []

  constructor(around: Whereabouts) {
    this.#around = around
  }

  /**
   * A fresh address of the family; one of the networks' where there are some. `undefined`: there is none.
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

/** Whether an address stands in a text as a word, not as the beginning of another one. */
export function standsIn(text: string, address: string): boolean {
  for (let at = text.indexOf(address); at >= 0; at = text.indexOf(address, at + 1)) {
    if (!/[0-9a-f.:]/.test(text[at - 1] ?? ' ') && !/[0-9a-f.:]/.test(text[at + address.length] ?? ' ')) return true
  }
  return false
}

/** From the top of a network of IPv4 down, and from well above the bottom of one of IPv6 up: where nobody is, most likely. */
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
