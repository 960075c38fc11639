import { networkInterfaces } from 'node:os'
import { parseAddress } from '../packet/address.ts'
import type { Address } from '../packet/address.ts'

/** This host's own addresses at the moment, on all interfaces that are up. */
export function ownAddresses(): readonly Address[] {
  const addresses: Address[] = []
  for (const entries of Object.values(networkInterfaces())) {
    for (const { address } of entries ?? []) {
      const parsed = parseAddress(address)
      if (parsed !== undefined) addresses.push(parsed)
    }
  }
  return addresses
}

/** The interface's own addresses at the moment, in text. */
export function addressesOf(name: string): readonly string[] {
  return (networkInterfaces()[name] ?? []).map(({ address }) => address)
}
