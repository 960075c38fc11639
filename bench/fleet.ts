import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { FleetHosts } from '../test/lab/fleet-hosts.ts'
import { tearDown } from '../test/lab/net.ts'
import { fleetClaims } from './fleet/claiming.ts'
import { fleetKnocks } from './fleet/knocking.ts'
import { fleetMemory } from './fleet/memory.ts'
import { Records } from './fleet/records.ts'
import { fleetWatch } from './fleet/watching.ts'
import type { Row, Terms } from './row.ts'

/** Where the three nodes of etcd have their data: file systems that need nothing to be durable, and one that does. */
const MEDIA = [
  ['tmpfs', '/dev/shm'],
  ['disk', '/var/tmp'],
] as const

/** A fleet: what its claims, news and users take, of a host and of etcd. */
export async function fleet(terms: Terms): Promise<readonly Row[]> {
  const rows: Row[] = []
  for (const [on, parent] of MEDIA) {
    const folder = mkdtempSync(join(parent, 'postern-bench-'))
    const remove = (): void => rmSync(folder, { recursive: true, force: true })
    process.once('exit', remove)
    try {
      const hosts = await FleetHosts.start({ folder: join(folder, 'etcd') })
      rows.push(...(await fleetKnocks(hosts, on, terms)))
      rows.push(...(await fleetClaims(hosts, on, terms)))
      if (on === 'disk') {
        await new Records(hosts).remove()
        rows.push(...(await fleetWatch(hosts, terms)))
        rows.push(...(await fleetMemory(hosts, terms)))
      }
      await hosts.close()
    } finally {
      await tearDown()
      remove()
      process.off('exit', remove)
    }
  }
  return rows
}
