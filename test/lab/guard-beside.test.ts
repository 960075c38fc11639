// Goal: the guard works beside each kind of rules that machines have, and edits none of them. What was there before is
// there afterwards, to the byte.
import { expect, test } from 'vitest'
import { sample } from '../slow.ts'
import { guardSsh, isGuarded, knockIn, looks, ownRules, reasons, postern, removeGuard } from './guarded.ts'
import { CLIENT_4, CLIENT_6, SERVER_4, SERVER_6, lab, pair } from './net.ts'
import type { Host } from './net.ts'
import { KINDS } from './own-rules.ts'
import { probe, serveTcp } from './service.ts'
import type { Look } from './resident.ts'

const OPEN_S = 3
/** Ports other than the guarded one: allowed and served, shut and served, shut and not served. */
const OTHERS = [80, 81, 9_999] as const

/** How the ports of a server look from a client, over both families. */
async function view(client: Host, ports: readonly number[]): Promise<Record<string, Look>> {
  const places = [SERVER_4, SERVER_6].flatMap((address) => ports.map((port) => ({ address, port })))
  const probes = places.map(async ({ address, port }) => await probe(client, address, port))
  const seen = await Promise.all(probes)
  return Object.fromEntries(places.map(({ address, port }, index) => [`${address} ${port}`, seen[index]!]))
}

// Each waits most of the time, on a network of its own. ufw writes rules of iptables.
lab.each(sample(KINDS, ({ name }) => !name.startsWith('iptables')))(
  'beside $name',
  { concurrent: true },
  ({ there, set, acceptsRedirected }) => {
    test.skipIf(!there)('a port is hidden, opened and closed, and everything else is as it was', async () => {
      const { server, client } = await pair()
      for (const port of [22, 80, 81]) await serveTcp(server, port)
      const own = await set(server)
      const before = { rules: await ownRules(server), others: await view(client, OTHERS) }
      expect(await view(client, [22])).toEqual({ [`${SERVER_4} 22`]: 'open', [`${SERVER_6} 22`]: 'open' })
      expect(before.others).toMatchObject({ [`${SERVER_4} 80`]: 'open', [`${SERVER_6} 80`]: 'open' })
      expect(Object.values(before.others).filter((look) => look === 'open')).toHaveLength(2)

      const hidden = acceptsRedirected === true ? 'refused' : before.others[`${SERVER_4} 9999`]
      const daemon = await guardSsh(server, OPEN_S)
      const answers = [SERVER_4, SERVER_6].map(async (address) => await reasons(client, address, [22, 9_999]))
      for (const [guarded, closed] of await Promise.all(answers)) {
        expect(guarded).toBe(acceptsRedirected === true ? 'reset ttl 64' : closed)
      }
      await knockIn(client, SERVER_4, daemon.process)
      expect(await view(client, [22])).toEqual({ [`${SERVER_4} 22`]: 'open', [`${SERVER_6} 22`]: hidden })
      await daemon.process.line(new RegExp(`${CLIENT_4}: ssh: tcp/22 closed$`))
      await knockIn(client, SERVER_6, daemon.process)
      expect(await view(client, [22])).toEqual({ [`${SERVER_4} 22`]: hidden, [`${SERVER_6} 22`]: 'open' })
      await daemon.process.line(new RegExp(`${CLIENT_6}: ssh: tcp/22 closed$`))
      expect(await view(client, [22])).toEqual({ [`${SERVER_4} 22`]: hidden, [`${SERVER_6} 22`]: hidden })
      expect({ rules: await ownRules(server), others: await view(client, OTHERS) }).toEqual(before)

      await own.reload()
      await postern(server, daemon, 'open', 'ssh', '--source', CLIENT_4, '--for', '10m')
      await looks(client, SERVER_4, 22, 'open')
      expect(await probe(client, SERVER_6, 22)).not.toBe('open')
      await postern(server, daemon, 'close', '--all')
      expect(await probe(client, SERVER_4, 22)).not.toBe('open')

      await daemon.process.stop()
      expect(await isGuarded(server)).toBe(true)
      expect(await probe(client, SERVER_4, 22)).not.toBe('open')
      await removeGuard(server)
      expect({ rules: await ownRules(server), others: await view(client, OTHERS) }).toEqual(before)
      expect(await view(client, [22])).toEqual({ [`${SERVER_4} 22`]: 'open', [`${SERVER_6} 22`]: 'open' })
    })
  },
)
