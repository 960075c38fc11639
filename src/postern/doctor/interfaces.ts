import { readFileSync } from 'node:fs'
import type { Link } from '../../twin/machine.ts'
import { REMEDIES } from '../../remedy/remedies.ts'
import type { Finding } from './finding.ts'

/** The flag of interfaces that are up (netdevice(7)). */
const IFF_UP = 1

/** The state of an interface that knockd listens on. */
export interface Watched {
  readonly name: string
  readonly there: boolean
  readonly up: boolean
  readonly addresses: number
}

/** Reads the state of the interfaces that the daemon listens on. */
export function watchedOf(names: readonly string[], links: readonly Link[]): readonly Watched[] {
  return names
    .filter((name) => name !== 'any' && name !== 'lo')
    .map((name) => {
      const link = links.find((each) => each.name === name)
      return { name, there: link !== undefined, up: isUp(name), addresses: link?.addresses.length ?? 0 }
    })
}

function isUp(name: string): boolean {
  try {
    return (Number(readFileSync(`/sys/class/net/${name}/flags`, 'latin1')) & IFF_UP) !== 0
  } catch {
    return false
  }
}

/** Finds interfaces on which no knock can arrive. */
export function judgeInterfaces(watched: readonly Watched[], others: readonly string[]): readonly Finding[] {
  return watched.flatMap(({ name, there, up, addresses }): readonly Finding[] => {
    if (!there) {
      const known = others.length === 0 ? '' : `; there are ${others.join(', ')}`
      const message = `${name}: no such interface, so no knock is seen there${known}`
      return [{ severity: 'fault', subject: 'interface', message, fix: REMEDIES.lookAtLinks() }]
    }
    if (!up) {
      const message = `${name} is down, so no knock comes in`
      return [{ severity: 'fault', subject: 'interface', message, fix: REMEDIES.linkUp(name) }]
    }
    if (addresses > 0) return []
    // A DHCP client is not suggested: it may change the routes of other interfaces.
    const message = `${name} has no address, so nobody can knock at it: give it one in this machine's network configuration`
    return [{ severity: 'fault', subject: 'interface', message, fix: REMEDIES.lookAtAddresses(name) }]
  })
}
