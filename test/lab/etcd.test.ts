// Goal: against real etcd 3.4 and 3.5, a race has one winner; no call fails while a majority answers; a watch tells each
// change once, whatever happens to its node; and each trap of etcd is said in words that help.
import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, afterEach, describe, expect, test } from 'vitest'
import { Etcd, EtcdUnavailable, type WatchEvent, type WatchState } from '../../src/etcd/client.ts'
import { type ClusterOptions, ETCD_VERSIONS, EtcdCluster, etcdProgram } from './etcd.ts'
import { Authority } from '../etcd/certificates.ts'
import { fault } from '../etcd/fault.ts'
import { SLOW } from '../slow.ts'
import { lab } from './net.ts'
import { until } from './process.ts'
import { scratch } from './scratch.ts'

const RACES = SLOW ? 300 : 30
/** Keys that a watch is to see, while its nodes are killed and stopped. */
const EVENTS = SLOW ? 300 : 60
const LIMIT_MS = 120_000

let cluster: EtcdCluster
/** Three nodes that tests leave as they found them. */
let threeNodes: EtcdCluster | undefined
let clusters: EtcdCluster[] = []
afterEach(async ({ task }) => {
  // A test that failed may have left nodes stopped.
  if (task.result?.state === 'fail' && threeNodes !== undefined) {
    clusters.push(threeNodes)
    threeNodes = undefined
  }
  for (const each of clusters) await each.close()
  clusters = []
})

/** Claims a key by a mark of the claimant's own. */
async function claim(etcd: Etcd, key: string, mark: string): Promise<boolean> {
  const { won, kvs } = await etcd.txn([{ key, version: 0 }], [{ put: key, value: mark }], [{ get: key }])
  return won || kvs[0]?.[0]?.value === mark
}

/**
 * Claims a key, and again while etcd is unavailable: on a busy machine an election can take longer than a call waits.
 * With SLOW, on a machine that does nothing else, no call may fail.
 */
async function claimSurely(etcd: Etcd, key: string, mark: string): Promise<boolean> {
  if (SLOW) return await claim(etcd, key, mark)
  let won = false
  await until('etcd answers', async () => {
    try {
      won = await claim(etcd, key, mark)
      return true
    } catch (error) {
      if (error instanceof EtcdUnavailable) return false
      throw error
    }
  })
  return won
}

/** Claims keys all the time, each by two clients at once, until it is told to end. Returns how long each took. */
function claiming(clients: readonly Etcd[], everyMs = 20): () => Promise<{ slowestMs: number; rounds: number }> {
  const over = new AbortController()
  const rounds: Promise<void>[] = []
  let slowestMs = 0
  const round = async (key: string): Promise<void> => {
    const won = await Promise.all(
      clients.map(async (etcd, index) => {
        const began = performance.now()
        const result = await claimSurely(etcd, key, `m${index}`)
        slowestMs = Math.max(slowestMs, performance.now() - began)
        return result
      }),
    )
    expect(won.filter(Boolean), key).toHaveLength(1)
  }
  const all = (async () => {
    while (!over.signal.aborted) {
      const begun = round(`c/${rounds.length}`)
      begun.catch(() => undefined)
      rounds.push(begun)
      await pause(everyMs)
    }
  })()
  return async () => {
    over.abort()
    await all
    await Promise.all(rounds)
    return { slowestMs, rounds: rounds.length }
  }
}

/** Everything that a watch tells. */
class Seen {
  readonly keys = new Map<string, string>()
  readonly events: WatchEvent[] = []
  readonly states: WatchState[] = []
  lists = 0

  listed(kvs: readonly { key: string; value: string }[]): void {
    this.lists++
    this.keys.clear()
    for (const { key, value } of kvs) this.keys.set(key, value)
  }

  changed(events: readonly WatchEvent[]): void {
    this.events.push(...events)
    for (const { type, kv } of events) {
      if (type === 'put') this.keys.set(kv.key, kv.value)
      else this.keys.delete(kv.key)
    }
  }

  state(state: WatchState): void {
    this.states.push(state)
  }
}

const programs = await Promise.all(ETCD_VERSIONS.map(async (version) => await etcdProgram(version)))

lab('etcd', () => {
  describe.each(ETCD_VERSIONS.map((version, index) => ({ version, there: programs[index] !== undefined })))(
    '$version',
    ({ version, there }) => {
      const start = async (options: ClusterOptions = {}): Promise<void> => {
        cluster = await EtcdCluster.start({ version, ...options })
        clusters.push(cluster)
      }
      /** Uses the three nodes of all tests. */
      const share = async (): Promise<void> => {
        threeNodes ??= await EtcdCluster.start({ version })
        cluster = threeNodes
        await cluster.healthy()
      }
      afterAll(async () => {
        await threeNodes?.close()
        threeNodes = undefined
      }, LIMIT_MS)
      // One release is enough to see what a change breaks.
      const real = test.skipIf(!there || (!SLOW && version !== ETCD_VERSIONS[0]))
      // fleet-claims.test.ts tests the same by way of the ledger.
      const long = test.skipIf(!there || !SLOW)

      real('three clients race: one winner in each round', { timeout: LIMIT_MS }, async () => {
        await share()
        const clients = [cluster.client(), cluster.client(), cluster.client()]
        for (let round = 0; round < RACES; round++) {
          const won = await Promise.all(
            clients.map(async (etcd, index) => await claimSurely(etcd, `r/${round}`, `m${index}`)),
          )
          expect(won.filter(Boolean)).toHaveLength(1)
        }
        expect((await clients[0]!.list('r/')).kvs).toHaveLength(RACES)
      })

      long.each(['kill -9', 'SIGSTOP'])(
        '%s of the leader: one winner each, and no call fails with SLOW',
        { timeout: LIMIT_MS },
        async (how) => {
          await start()
          const end = claiming([cluster.client(), cluster.client()])
          await pause(500)
          const leader = await cluster.leader()
          if (how === 'kill -9') await cluster.kill(leader)
          else cluster.stop(leader)
          await pause(4_000)
          if (how === 'kill -9') cluster.start(leader)
          else cluster.cont(leader)
          await pause(1_000)
          const { slowestMs, rounds } = await end()
          console.log(`etcd ${version}, ${how}: ${rounds} rounds, slowest ${slowestMs.toFixed(0)} ms`)
          if (SLOW) expect(slowestMs).toBeLessThan(3_000)
        },
      )

      real('no majority: unavailable within the limit, and back when it is', { timeout: LIMIT_MS }, async () => {
        await share()
        const etcd = cluster.client()
        await etcd.put('a', '1')
        await cluster.kill(0)
        await cluster.kill(1)
        const began = performance.now()
        const [first, second] = await Promise.all([fault(etcd.put('a', '2')), fault(etcd.get('a'))])
        expect(performance.now() - began).toBeLessThan(7_000)
        expect(['no-majority', 'no-answer']).toContain(first.kind)
        expect(second.message).toMatch(/^no majority of etcd answers\nhttps:.*connection refused/)
        cluster.start(0)
        cluster.start(1)
        await cluster.leader()
        await etcd.put('a', '3')
        expect((await etcd.get('a'))?.value).toBe('3')
      })

      long('a partition with both sides alive: only the majority claims', { timeout: LIMIT_MS }, async () => {
        await start()
        const leader = await cluster.leader()
        const others = [0, 1, 2].filter((each) => each !== leader)
        const [alone, rest] = [cluster.client([leader]), cluster.client(others)]
        await cluster.partition([[leader], others])
        const [one, other] = await Promise.all([
          claim(alone, 'p', 'alone').catch((error: unknown) => error),
          claimSurely(rest, 'p', 'rest'),
        ])
        expect(one).toBeInstanceOf(EtcdUnavailable)
        expect(other).toBe(true)
        await cluster.heal()
        await until(
          'the node follows again',
          async () => (await alone.get('p').catch(() => undefined))?.value === 'rest',
        )
      })

      real('a watch through a kill and a stop of its nodes: each event once', { timeout: LIMIT_MS }, async () => {
        await share()
        const [etcd, watcher] = [cluster.client(), cluster.client()]
        await etcd.put('w/before', 'x')
        const seen = new Seen()
        const watch = watcher.watch('w/', seen)
        await until('the watch sees', () => watch.state === 'seeing')
        expect([...seen.keys]).toEqual([['w/before', 'x']])
        const wanted: string[] = []
        for (let round = 0; round < EVENTS; round++) {
          if (round === EVENTS * 0.15) await cluster.kill(0)
          if (round === EVENTS * 0.3) cluster.start(0)
          if (round === EVENTS * 0.5) cluster.stop(1)
          if (round === EVENTS * 0.65) cluster.cont(1)
          if (round === EVENTS * 0.8) await cluster.kill(2)
          // A node that was stopped carries out what it received before, so a plain put could happen again later.
          expect(await claimSurely(etcd, `w/${round}`, 'x')).toBe(true)
          wanted.push(`w/${round}`)
          await pause(15)
        }
        await etcd.delete('w/0')
        await until('the last event', () => seen.events.at(-1)?.type === 'delete')
        expect(seen.events.slice(0, -1).map(({ kv }) => kv.key)).toEqual(wanted)
        expect(seen.lists).toBe(1)
        expect(seen.states).toEqual(['seeing'])
        watch.close()
        cluster.start(2)
      })

      real('a watch whose revision is compacted lists again', { timeout: LIMIT_MS }, async () => {
        await share()
        const [etcd, watcher] = [cluster.client(), cluster.client()]
        const seen = new Seen()
        const watch = watcher.watch('v/', seen)
        await until('the watch sees', () => watch.state === 'seeing')
        for (const node of [0, 1, 2]) cluster.stop(node)
        await until('it is blind', () => seen.states.some((state) => state !== 'seeing'), 20_000)
        const { blind } = seen.states.at(-1) as { blind: string }
        expect(blind).toMatch(/no answer/)
        for (const node of [0, 1, 2]) await cluster.kill(node)
        for (const node of [0, 1, 2]) cluster.start(node)
        // The watch is slower to come back than this.
        await cluster.leader()
        for (let round = 0; round < 20; round++) await etcd.put('v/key', `${round}`)
        const { revision } = await etcd.put('v/key', 'last')
        await cluster.etcdctl('compact', revision)
        await until('it knows the last value', () => seen.keys.get('v/key') === 'last', 20_000)
        expect(watch.state).toBe('seeing')
      })

      real(
        'nodes that were set up anew: listed again, although the revision is lower',
        { timeout: LIMIT_MS },
        async () => {
          await share()
          const [etcd, watcher] = [cluster.client(), cluster.client()]
          for (let round = 0; round < 50; round++) await etcd.put('u/key', `${round}`)
          const seen = new Seen()
          const watch = watcher.watch('u/', seen)
          await until('the watch sees', () => watch.state === 'seeing')
          for (const node of [0, 1, 2]) await cluster.kill(node)
          for (const node of [0, 1, 2]) await cluster.forget(node)
          await cluster.leader()
          await until('it is listed again', () => seen.lists > 1, 30_000)
          expect([...seen.keys]).toEqual([])
          await etcd.put('u/new', '1')
          await until('the new key', () => seen.keys.get('u/new') === '1')
        },
      )

      long('a power cut of all nodes: what was acknowledged is there', { timeout: LIMIT_MS }, async () => {
        await start({ disks: true })
        const etcd = cluster.client()
        const claimed: string[] = []
        let failures = 0
        const over = new AbortController()
        const lanes = Array.from({ length: 4 }, async (_, lane) => {
          for (let round = 0; !over.signal.aborted; round++) {
            const key = `p/${lane}.${round}`
            if (await claim(etcd, key, 'mine').catch(() => failures++ > 1e9)) claimed.push(key)
          }
        })
        await until('some claims', () => claimed.length > 200)
        await cluster.powerCut()
        over.abort()
        await Promise.all(lanes)
        const kept = new Set((await etcd.list('p/')).kvs.map(({ key }) => key))
        expect(claimed.filter((key) => !kept.has(key))).toEqual([])
        console.log(`etcd ${version}, power cut: ${claimed.length} claims, ${failures} calls failed meanwhile`)
      })

      real('an empty node joins again, and answers', { timeout: LIMIT_MS }, async () => {
        await share()
        const etcd = cluster.client()
        await etcd.put('a', '1')
        await cluster.wipe(0)
        await cluster.healthy()
        expect((await cluster.client([0]).get('a'))?.value).toBe('1')
        expect((await etcd.members()).map(({ name }) => name).sort()).toEqual(['n0', 'n1', 'n2'])
      })

      real('a full quota is said', { timeout: LIMIT_MS }, async () => {
        await start({ nodes: 1, flags: ['--quota-backend-bytes=1000000'] })
        const etcd = cluster.client()
        let full: unknown
        for (let round = 0; full === undefined; round++) {
          full = await etcd.put(`q/${round}`, 'x'.repeat(100_000)).catch((error: unknown) => error as EtcdUnavailable)
          if (!(full instanceof EtcdUnavailable)) full = undefined
        }
        expect((full as EtcdUnavailable).kind).toBe('quota')
        expect((full as EtcdUnavailable).message).toMatch(/^the database of etcd is full\n.*auto-compaction-retention/)
        expect((await etcd.alarms()).map(({ alarm }) => alarm)).toEqual(['NOSPACE'])
        expect((await etcd.statusOf(cluster.endpoints[0]!)).errors.join()).toContain('NOSPACE')
        expect((await fault(claim(etcd, 'another', 'x'))).kind).toBe('quota')
      })

      real('a node configured by a file', { timeout: LIMIT_MS }, async () => {
        await start({ nodes: 1, byFile: true })
        const etcd = cluster.client()
        if (version === '3.5') {
          await cluster.leader()
          await etcd.put('a', '1')
          return
        }
        let said: EtcdUnavailable | undefined
        await until('it answers', async () => {
          said = await fault(etcd.get('a'))
          return said.kind === 'gateway'
        })
        expect(said?.message).toBe(
          'the JSON gateway of etcd is off (HTTP 404)\nwith a configuration file, etcd needs the line: enable-grpc-gateway: true',
        )
      })

      real(
        'access control: a common name, no password, a wrong one, and a token that ends',
        { timeout: LIMIT_MS },
        async () => {
          await start({ nodes: 1, flags: ['--auth-token-ttl=1'] })
          for (const line of [
            'user add root:secret',
            'user grant-role root root',
            'role add fleet',
            'user add host:knock',
          ]) {
            await cluster.etcdctl(...line.split(' '))
          }
          await cluster.etcdctl('role', 'grant-permission', 'fleet', 'readwrite', 'f/', '--prefix')
          await cluster.etcdctl('user', 'grant-role', 'host', 'fleet')
          await cluster.etcdctl('auth', 'enable')
          const named = new Etcd({
            ...cluster.access(undefined, '/O=lab/CN=root'),
            login: { name: 'host', password: 'knock' },
          })
          const commonName = await fault(named.put('f/a', '1'))
          named.close()
          expect(commonName.message).toMatch(
            /^etcd refuses the client certificate, as it has a common name\n.*subjectAltName/,
          )
          const anonymous = await fault(cluster.client().put('f/a', '1'))
          expect(anonymous.message).toBe('etcd asks for a name and a password')
          const wrong = await fault(cluster.client(undefined, { name: 'host', password: 'other' }).put('f/a', '1'))
          expect(wrong.kind).toBe('login')
          expect(wrong.message).not.toContain('other')
          const etcd = cluster.client(undefined, { name: 'host', password: 'knock' })
          await etcd.put('f/a', '1')
          expect((await fault(etcd.put('elsewhere', '1'))).kind).toBe('login')
          const seen = new Seen()
          const watch = etcd.watch('f/', seen)
          await until('the watch sees', () => watch.state === 'seeing')
          await pause(2_500)
          await etcd.put('f/a', '2')
          await until('the event', () => seen.keys.get('f/a') === '2')
        },
      )

      real('certificates: of another authority, expired, for another host', { timeout: LIMIT_MS }, async () => {
        await share()
        const access = cluster.access()
        const other = new Authority(scratch('other'))
        const { ca } = other
        const { cert, key } = other.leaf('DNS:host', 'clientAuth')
        const said = async (different: Partial<typeof access>): Promise<string> => {
          const etcd = new Etcd({ ...access, ...different })
          const error = await fault(etcd.get('a'))
          etcd.close()
          return error.message
        }
        expect(await said({ cert, key })).toMatch(/^etcd refuses the certificate of this host\n/)
        const old = cluster.authority.leaf('DNS:old', 'clientAuth', '/O=lab', 0)
        expect(await said({ cert: old.cert, key: old.key })).toMatch(/^etcd refuses the certificate of this host\n/)
        expect(await said({ ca })).toMatch(/^the certificate of etcd is not trusted: /)
      })
    },
  )
})
