import { sameAddress } from '../packet/address.ts'
import type { Address } from '../packet/address.ts'
import type { Packet } from '../packet/packet.ts'
import { sentTo } from './terms.ts'

/** A set of destination addresses. The last match is compared first, since most packets go to the same address. */
export class Destinations {
  readonly #buckets = new Map<number, { readonly address: Address; times: number }[]>()
  #last: Address | undefined

  constructor(addresses: Iterable<Address> = []) {
    for (const address of addresses) this.add(address)
  }

  /** Adds an address. An address that was added twice must be removed twice. */
  add(address: Address): void {
    const hash = fold(address.a, address.b, address.c, address.d)
    const bucket = this.#buckets.get(hash) ?? []
    const entry = bucket.find((other) => sameAddress(other.address, address))
    if (entry === undefined) bucket.push({ address, times: 1 })
    else entry.times++
    this.#buckets.set(hash, bucket)
  }

  /** Removes an address. An address that is not in the set changes nothing. */
  remove(address: Address): void {
    const hash = fold(address.a, address.b, address.c, address.d)
    const bucket = this.#buckets.get(hash) ?? []
    const index = bucket.findIndex((other) => sameAddress(other.address, address))
    if (index < 0) return
    const entry = bucket[index]!
    entry.times--
    if (entry.times > 0) return
    bucket.splice(index, 1)
    if (bucket.length === 0) this.#buckets.delete(hash)
    this.#last = undefined
  }

  /** Returns true if the packet was sent to one of the addresses. */
  has(packet: Packet): boolean {
    if (this.#last !== undefined && sentTo(packet, this.#last)) return true
    const { destinationA, destinationB, destinationC, destinationD } = packet
    const bucket = this.#buckets.get(fold(destinationA, destinationB, destinationC, destinationD))
    if (bucket === undefined) return false
    for (const { address } of bucket) {
      if (!sentTo(packet, address)) continue
      this.#last = address
      return true
    }
    return false
  }
}

function fold(a: number, b: number, c: number, d: number): number {
  return a ^ Math.imul(b, 0x9e3779b1) ^ Math.imul(c, 0x85ebca6b) ^ Math.imul(d, 0xc2b2ae35)
}
