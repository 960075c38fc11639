import type { Config } from '../../../config/config.ts'
import { hasPort } from '../../../config/service.ts'
import { parseAddress, sameAddress } from '../../../packet/address.ts'
import type { Address } from '../../../packet/address.ts'
import { contains } from '../../../packet/network.ts'
import { TCP } from '../../../packet/packet.ts'
import { REMEDIES } from '../../../remedy/remedies.ts'
import { nodesOf } from '../../fleet/init/etcd-files.ts'
import type { Finding } from '../finding.ts'

/** The port on which nodes of etcd talk to each other. */
const PEER_PORT = 2380
const KEEP = 'keep one way in that does not need the fleet: Always_Allow, or a door with Scope = host'

/**
 * Finds a host that guards the way to its own store: when the fleet is away, nobody gets in who could bring it back.
 *
 * @param own the addresses of this machine
 */
export function judgeOwnStore(
  { doors, options, file }: Config,
  endpoints: readonly string[],
  own: readonly Address[],
): readonly Finding[] {
  const nodes = nodesOf(endpoints)
  const others = nodes.map(({ host }) => parseAddress(host)).filter((node) => node !== undefined && !isIn(own, node))
  const isNode = others.length < nodes.length && nodes.some(({ host }) => isIn(own, parseAddress(host)))
  const hidden = [...options.guard, ...doors.flatMap(({ opens }) => opens)]
  const findings: Finding[] = []
  const ports = [...new Set([...nodes.map(({ port }) => port), PEER_PORT])]
  const hides = isNode ? ports.filter((port) => hasPort(hidden, { protocol: TCP, port })) : []
  if (hides.length > 0 && !others.every((node) => options.alwaysAllow.some((network) => contains(network, node!)))) {
    const named = hides.map((port) => `tcp/${port}`).join(' and ')
    const message = `this host is a node of the fleet's etcd, and hides its port ${named}: the other nodes cannot reach it, and a knock needs them; take the port out of Guard and Open_Ports, or let the nodes in with Always_Allow`
    findings.push({ severity: 'fault', subject: 'fleet', message, fix: REMEDIES.edit(file, 1) })
  }
  const isFleetsAlone = doors.length > 0 && doors.every(({ scope }) => scope === 'fleet')
  if (isFleetsAlone && options.alwaysAllow.length === 0) {
    const without = `every door of this host has Scope = fleet: when etcd is away, nobody gets in`
    findings.push(
      isNode
        ? {
            severity: 'warning',
            subject: 'fleet',
            message: `${without}, and etcd runs here; ${KEEP}`,
            fix: REMEDIES.edit(file, doors[0]!.line),
          }
        : { severity: 'note', subject: 'fleet', message: `${without}; ${KEEP}` },
    )
  }
  return findings
}

function isIn(own: readonly Address[], node: Address | undefined): boolean {
  return node !== undefined && own.some((address) => sameAddress(address, node))
}
