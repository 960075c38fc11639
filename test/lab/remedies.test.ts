// Goal: no command that is printed as advice cuts the session of the one who types it, lets strangers in anywhere but at the
// door's own port, or breaks a door. Each is printed by the program that prints it, typed on a machine where it would hurt,
// and looked at from the session, from a stranger and from somebody who knocks.
import { mkdirSync } from 'node:fs'
import { expect, test } from 'vitest'
import { REMEDIES } from '../../src/remedy/remedies.ts'
import { confirmed } from './base-rules.ts'
import { nft } from './firewall.ts'
import { KNOCKS } from './guarded.ts'
import { startRealKnockd } from './knockd.ts'
import { SERVER_4, lab, pair } from './net.ts'
import { until } from './process.ts'
import { DOOR, FAMILIES, PRIVATE, PUBLIC, seenBy, stubs } from './remedy-trial.ts'
import type { Machine, Name } from './remedy-trial.ts'
import { ALLOWED, ALLOWING, NATIVE, OTHERS } from './remedy-trials.ts'
import { scratch, writeConfig } from './scratch.ts'
import { goesOn, probe, sendKnocks, serveTcp, session } from './service.ts'

const folder = (): string => {
  const path = scratch('folder')
  mkdirSync(path)
  return path
}

/** Those for which no rules stand, with what they are typed with on one machine, in this order. */
const HARMLESS: Readonly<Partial<Record<Name, (machine: Machine) => Promise<string> | string>>> = {
  start: ({ file }) => REMEDIES.start(file),
  restart: () => REMEDIES.restart(),
  moreTime: () => REMEDIES.moreTime(),
  end: async ({ server }) => {
    const other = await startRealKnockd({ host: server, config: '[x]\nsequence = 1,2\ncommand = true\n' })
    return REMEDIES.end(other.pid)
  },
  // A trial that nobody confirms: its end is not waited for.
  applyAnew: () => `timeout -s INT 5 ${REMEDIES.applyAnew()}`,
  restoreBase: async ({ server }) => {
    await server.run(['nft', 'delete', 'table', 'inet', 'postern_base'])
    return REMEDIES.restoreBase()
  },
  saveIptables: () => REMEDIES.saveIptables(),
  saveNft: async ({ server }) => {
    await nft(server, 'table inet theirs { chain in { type filter hook input priority 5; tcp dport 3306 drop; }; }')
    return `${REMEDIES.saveNft(['inet theirs'])} && nft -f /etc/nftables.conf`
  },
  enable: () => REMEDIES.enable('nftables'),
  mode: ({ file }) => REMEDIES.mode('600', file),
  owner: ({ file }) => REMEDIES.owner('root', file),
  share: ({ file }) => REMEDIES.share('daemon', [], file, '640'),
  shareFolder: () => REMEDIES.shareFolder('daemon', [folder()]),
  giveFolder: () => REMEDIES.giveFolder('daemon', 'daemon', [folder()]),
  linkOwner: ({ file }) => REMEDIES.linkOwner('root', file),
  installLibrary: () => REMEDIES.installLibrary('libnftables1'),
  findProgram: () => REMEDIES.findProgram('ipset'),
  installCopy: () => REMEDIES.installCopy('/root/postern', '1.0.0'),
  installNode: () => REMEDIES.installNode('/root/node'),
  replaceProgram: ({ file }) => REMEDIES.replaceProgram(file, '/nowhere/iptables', '/usr/sbin/iptables'),
  edit: ({ file }) => REMEDIES.edit(file, 1),
  linkUp: () => REMEDIES.linkUp('eth0'),
  keepClock: () => REMEDIES.keepClock(),
  lookAtLinks: () => REMEDIES.lookAtLinks(),
  lookAtAddresses: () => REMEDIES.lookAtAddresses('eth0'),
  lookAtSockets: () => REMEDIES.lookAtSockets(),
  // It goes on until it is ended.
  lookAtRules: () => `timeout 1 ${REMEDIES.lookAtRules()}`,
  lookAtDisk: () => `${REMEDIES.lookAtDisk()} || true`,
  lookAtStatus: ({ file }) => REMEDIES.lookAtStatus(file),
  lookAtKernel: ({ file }) => {
    const terms = { allowed: ALLOWED, doors: ['door'], format: 'nft', family: undefined } as const
    // Not every machine has a file for nftables.
    return `${REMEDIES.lookAtKernel(terms, file)} || true`
  },
  check: ({ file }) => REMEDIES.check(file),
  readOfRemoval: () => REMEDIES.readOfRemoval(),
  readOfLoss: () => REMEDIES.readOfLoss(),
  // This machine is in no fleet.
  lookAtFleet: () => `${REMEDIES.lookAtFleet()} || true`,
  readOfFleet: () => REMEDIES.readOfFleet(),
  readOfJoin: () => REMEDIES.readOfJoin(),
}

/** Those of them that put rules in force. */
const ANEW: ReadonlySet<string> = new Set(['start', 'restart', 'applyAnew', 'restoreBase', 'saveNft'])

test('every remedy has a trial', () => {
  expect([ALLOWING, OTHERS, HARMLESS].flatMap((each) => Object.keys(each)).sort()).toEqual(Object.keys(REMEDIES).sort())
})

lab('remedies', () => {
  test('those that touch no rules', async () => {
    const { server, client } = await pair()
    for (const each of [...PUBLIC, PRIVATE, DOOR]) await serveTcp(server, each)
    const pidFile = scratch('pid')
    const file = writeConfig(
      `[options]\nStateDir = ${scratch('state')}\nPidFile = ${pidFile}\nInterface = eth0\n[door]\nSequence = ${KNOCKS.join()}\n${NATIVE}\n`,
    )
    await confirmed({ server, client }, file, 80, '--allow', 'tcp/22,tcp/80')
    const machine = { server, client, file }
    const open = await session(client, SERVER_4)
    const before = await seenBy(client, DOOR)
    const places = ['etc', 'usr/local']
    // What is written there is gone with the command.
    const overlays = places.map((place) => {
      const at = `/run/${place.replace('/', '-')}`
      return `mkdir ${at} ${at}.work && mount -t overlay -o lowerdir=/${place},upperdir=${at},workdir=${at}.work overlay /${place}`
    })
    let typed: string[] = []
    /** What one of them did to rules lasts, unless rules are put in force anew. */
    const look = async (): Promise<void> => {
      // The daemon puts its guard back a moment after rules were flushed.
      const isShut = async (): Promise<boolean> => (await probe(client, SERVER_4, DOOR)) !== 'open'
      const shut = until(`the door is shut after ${typed.join(', ')}`, isShut)
      const [seen] = await Promise.all([seenBy(client, DOOR), goesOn(open), shut])
      expect([typed, seen]).toEqual([typed, before])
      typed = []
    }
    for (const [name, makes] of Object.entries(HARMLESS)) {
      if (ANEW.has(name)) await look()
      const printed = await makes(machine)
      // The base ruleset's record and the daemon's socket are in /run.
      const inside = /Iptables|Nft|install|find/.test(name) ? ['mount -t tmpfs none /run', ...overlays] : []
      const argv = ['unshare', '-m', 'sh', '-ec', [...inside, 'eval "$0"'].join('\n'), printed]
      const { code, stderr } = await server.run(argv, { env: stubs(), mayFail: true })
      if (!['applyAnew', 'check', 'lookAtRules'].includes(name)) expect([name, code, stderr]).toEqual([name, 0, stderr])
      typed.push(name)
      if (ANEW.has(name)) await look()
    }
    await look()
    for (const [address] of FAMILIES) {
      await sendKnocks(client, address, KNOCKS)
      await until(`the knock opens ${address}`, async () => (await probe(client, address, DOOR)) === 'open')
    }
  }, 240_000)
})
