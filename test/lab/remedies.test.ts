// Goal: no command that is printed as advice cuts the session of the one who types it, lets strangers in anywhere but at the
// door's own port, or breaks a door. Each is printed by the program that prints it, typed on a machine where it would hurt,
// and looked at from the session, from a stranger and from somebody who knocks.
import { chmodSync, readFileSync, writeFileSync } from 'node:fs'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { REMEDIES } from '../../src/remedy/remedies.ts'
import { confirm, confirmed, connected } from './base-rules.ts'
import { CONTAINER_4, INNER, PUBLISHED, docker, withContainer } from './docker.ts'
import { nft } from './firewall.ts'
import { KNOCKS } from './guarded.ts'
import { program, startRealKnockd } from './knockd.ts'
import { CLIENT_4, SERVER_4, SERVER_6, lab, pair } from './net.ts'
import type { Host } from './net.ts'
import { KINDS, typing } from './own-rules.ts'
import type { OwnRules } from './own-rules.ts'
import { until } from './process.ts'
import type { Process } from './process.ts'
import { scratch, writeConfig } from './scratch.ts'
import { goesOn, probe, sendKnocks, serveTcp, session } from './service.ts'

type Name = keyof typeof REMEDIES

/** A port of the door, one of somebody else's that nobody is to reach, and those that all may. */
const DOOR = 2222
const PRIVATE = 3306
const PUBLIC = [22, 80] as const
const PORT = { protocol: 'tcp', port: DOOR } as const
const FAMILIES = [
  [SERVER_4, 'iptables'],
  [SERVER_6, 'ip6tables'],
] as const

/** A machine to try a remedy on. */
interface Machine {
  readonly server: Host
  readonly client: Host
  readonly file: string
}

/** How a remedy comes about and is tried. */
interface Trial {
  readonly name: string
  /** A machine with another host behind it, as Docker has them. */
  readonly container?: boolean
  /** Files below /etc, for a machine with an /etc of its own. */
  readonly etc?: Readonly<Record<string, string>>
  /** Puts the rules in, and gives what types on such a machine. */
  readonly rules: (machine: Machine) => Promise<OwnRules['type'] | void>
  /** Lines of the config's door, beside its sequence, or several doors. */
  readonly door: string
  /** The door's port; {@link DOOR} without it. */
  readonly port?: number
  /** What must be printed. */
  readonly expected: (machine: Machine, daemon: number | undefined) => readonly string[]
  /** Whether `postern rehearse` prints it as well. */
  readonly rehearsed?: boolean
  /** Whether the guard hides the port already, and is to go on without a daemon. */
  readonly guarded?: boolean
  /** Whether the daemon runs before. */
  readonly running?: boolean
  /** Types a command that is not over by itself. */
  readonly type?: (machine: Machine, command: string) => Promise<void>
}

const NATIVE = `Open_Ports = tcp/${DOOR}\nOpen_For = 60s`
const command = (how: '-A' | '-I', port = DOOR): string =>
  ['Start_Command', 'Start_Command_6', 'Stop_Command', 'Stop_Command_6']
    .map((name, index) => {
      const [iptables, act] = [index % 2 === 0 ? 'iptables' : 'ip6tables', index < 2 ? how : '-D']
      return `${name} = /usr/sbin/${iptables} ${act} INPUT -s %IP% -p tcp --dport ${port} -j ACCEPT`
    })
    .join('\n')
    .concat('\nCmd_Timeout = 60')

/** Folder of stand-ins: sudo, the programs of this installation, and what a lab must not run. */
function stubs(): Readonly<Record<string, string>> {
  const folder = scratch('bin')
  mkdirSync(folder)
  const put = (name: string, line: string): void => {
    writeFileSync(join(folder, name), `#!/bin/sh\n${line}\n`)
    chmodSync(join(folder, name), 0o755)
  }
  put('sudo', 'exec "$@"')
  for (const name of ['knockd', 'postern'] as const) put(name, `exec ${process.execPath} ${program(name)} "$@"`)
  for (const name of ['apt', 'apt-file', 'npm', 'install', 'systemctl', 'timedatectl', 'netfilter-persistent']) {
    put(name, 'exit 0')
  }
  return { PATH: `${folder}:${process.env['PATH'] ?? ''}:/usr/local/sbin:/usr/sbin:/sbin`, EDITOR: 'true' }
}

/** What a stranger sees of each port over both families, the door's left out. */
async function seenBy(client: Host, port: number): Promise<Readonly<Record<string, boolean>>> {
  const seen: Record<string, boolean> = {}
  for (const [address] of FAMILIES) {
    for (const each of [...PUBLIC, PRIVATE, PUBLISHED]) {
      if (each !== port) seen[`${address} ${each}`] = (await probe(client, address, each)) === 'open'
    }
  }
  return seen
}

async function postern(host: Host, ...args: readonly string[]): Promise<string> {
  return (await host.run([process.execPath, program('postern'), ...args], { mayFail: true, limitMs: 120_000 })).stdout
}

async function advice(host: Host, file: string): Promise<readonly string[]> {
  const { findings } = JSON.parse(await postern(host, 'doctor', '--json', '-c', file, '-i', 'eth0')) as {
    readonly findings: readonly { readonly fix?: string }[]
  }
  return [...new Set(findings.flatMap(({ fix }) => fix ?? []))]
}

/** Runs the daemon with the config, and waits until it listens. */
async function run(server: Host, file: string): Promise<Process> {
  const daemon = server.start([process.execPath, program('knockd'), '-v', '-c', file, '-i', 'eth0'])
  await daemon.line(/listening on/)
  return daemon
}

/** The same host with an /etc of its own, in which everything runs that runs on it from now on. */
async function withEtc(host: Host, files: Readonly<Record<string, string>>): Promise<Host> {
  const script = `mount -t tmpfs none /mnt && mkdir /mnt/upper /mnt/work &&
    mount -t overlay -o lowerdir=/etc,upperdir=/mnt/upper,workdir=/mnt/work overlay /etc && echo ready && exec sleep infinity`
  const holder = host.start(['unshare', '-m', 'sh', '-c', script])
  await holder.line(/ready/)
  const inside = (argv: readonly string[]): readonly string[] => [
    'nsenter',
    `--mount=/proc/${holder.pid}/ns/mnt`,
    ...argv,
  ]
  const runs: Host['run'] = async (argv, how) => await host.run(inside(argv), how)
  const starts: Host['start'] = (argv, how) => host.start(inside(argv), how)
  const own = Object.create(host, {
    resident: { value: host.resident },
    run: { value: runs },
    start: { value: starts },
  }) as Host
  for (const [name, input] of Object.entries(files)) {
    await own.run(['sh', '-c', 'mkdir -p "$(dirname "$0")" && cat > "$0"', `/etc/${name}`], { input })
  }
  return own
}

async function tryRemedy(trial: Trial): Promise<void> {
  const { container = false, door, port = DOOR, rehearsed = false, running = false } = trial
  const { server: bare, client } = container ? await withContainer() : await pair()
  const server = trial.etc === undefined ? bare : await withEtc(bare, trial.etc)
  const doors = door.includes('[') ? door : `[door]\nSequence = ${KNOCKS.join()}\n${door}\n`
  const file = writeConfig(`[options]\nStateDir = ${scratch('state')}\n${doors}`)
  const machine = { server, client, file }
  for (const each of [...PUBLIC, PRIVATE, DOOR]) await serveTcp(server, each)
  const type = (await trial.rules(machine)) ?? typing(server)
  let daemon = running ? await run(server, file) : undefined
  const open = await session(client, SERVER_4)
  const before = await seenBy(client, port)

  const expected = trial.expected(machine, daemon?.pid)
  expect(await advice(server, file)).toEqual(expect.arrayContaining([...expected]))
  if (rehearsed) {
    const text = await postern(server, 'rehearse', '-c', file, '-i', 'eth0')
    for (const each of expected) expect(text).toContain(each)
  }
  for (const each of expected) {
    if (trial.type === undefined) await type(each, stubs())
    else await trial.type(machine, each)
    await goesOn(open)
  }
  expect(await seenBy(client, port)).toEqual(before)
  if (trial.guarded === true) expect(await probe(client, SERVER_4, port)).not.toBe('open')
  // Typed again, as the same advice may stand there twice.
  if (trial.type === undefined) for (const each of expected) await type(each, stubs())

  daemon ??= await run(server, file)
  for (const [address] of FAMILIES) {
    await until(`nobody else gets in at ${address}`, async () => (await probe(client, address, port)) !== 'open')
    await sendKnocks(client, address, KNOCKS)
    await until(`the knock opens ${address}`, async () => (await probe(client, address, port)) === 'open')
  }
  await goesOn(open)
  expect(await seenBy(client, port)).toEqual(before)
  const again = await advice(server, file)
  for (const each of expected) expect(again).not.toContain(each)
}

const kind =
  (name: string) =>
  async ({ server }: Machine): Promise<OwnRules['type']> =>
    (await KINDS.find((each) => each.name === name)!.set(server)).type

/** Rules of iptables for both families, `%` for the program. */
const both =
  (lines: readonly string[]) =>
  async ({ server }: Machine): Promise<void> => {
    for (const [, iptables] of FAMILIES) for (const line of lines) await server.run([iptables, ...line.split(' ')])
  }
const table =
  (text: string) =>
  async ({ server }: Machine): Promise<void> =>
    void (await nft(server, text))

const ESTABLISHED = '-A INPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT'
const NEIGHBOURS = 'meta l4proto ipv6-icmp accept'
const BY_FAMILY = (line: (iptables: 'iptables' | 'ip6tables') => string) => (): readonly string[] =>
  FAMILIES.map(([, iptables]) => line(iptables))

/** Docker's rules, and the port that it publishes reached by nobody new where `user` says so. */
const dockers =
  (user: string) =>
  async ({ server }: Machine): Promise<void> => {
    const put = async (iptables: string, text: string): Promise<void> => {
      await server.run([`${iptables}-restore`], {
        input: text.replace('-A DOCKER-USER -j RETURN', `${user}-A DOCKER-USER -j RETURN`),
      })
    }
    await put('iptables', docker('172.17.0.0/16', CONTAINER_4, '127.0.0.0/8'))
    await put('ip6tables', docker('fd00:17::/64', 'fd00:17::2', '::1/128'))
  }

/** Sends the door's port on to a container, both families. */
const SENT_ON = `table inet nat { chain prerouting { type nat hook prerouting priority dstnat;
  tcp dport ${DOOR} dnat ip to ${CONTAINER_4}:${INNER}; tcp dport ${DOOR} dnat ip6 to [fd00:17::2]:${INNER}; }; }`

const hidden = ({ file }: Machine, line: string, ...doors: readonly string[]): ReturnType<typeof REMEDIES.hide> =>
  REMEDIES.hide(
    file,
    doors.map((door) => ({ door, line })),
    undefined,
  )

/** The machine's files of rules, and how the next boot loads them. */
const NFT_BOOT = {
  etc: { 'nftables.conf': '#!/usr/sbin/nft -f\n\nflush ruleset\n' },
  boot: 'nft -f /etc/nftables.conf',
}
const IPTABLES_BOOT = {
  etc: { 'iptables/rules.v4': '', 'iptables/rules.v6': '' },
  boot: 'iptables-restore /etc/iptables/rules.v4 && ip6tables-restore /etc/iptables/rules.v6',
}

/** The kernel's ruleset of an older config, written for the next boot and in force; what is typed is followed by a boot. */
const kernelRules =
  (boot: string, from: string, to: string, ...args: readonly string[]) =>
  async ({ server, file }: Machine): Promise<OwnRules['type']> => {
    const text = readFileSync(file, 'utf8')
    expect(text).toContain(from)
    writeFileSync(file, text.replace(from, to))
    const words = ['firewall', 'kernel', '-c', file, '--allow', 'tcp/22,tcp/80', ...args, '--persist']
    await server.run([process.execPath, program('postern'), ...words])
    writeFileSync(file, text)
    await server.run(['sh', '-c', boot])
    return async (line, env) => {
      const typed = await server.run(['sh', '-c', line], { env: env ?? {} })
      await server.run(['sh', '-c', boot])
      return typed
    }
  }
const ALLOWED = 'tcp/22,tcp/80'

/** Types a command that puts the base ruleset in force, confirms it over a new connection, and starts the machine anew. */
async function confirmedAndBooted({ server, client }: Machine, printed: string): Promise<void> {
  const env = { ...stubs(), SSH_CONNECTION: `${CLIENT_4} 1 ${SERVER_4} 22` }
  const typed = server.start(['sh', '-c', printed], { env })
  await typed.line(/on trial/)
  await confirm(server, await connected(client, 80))
  await typed.line(/confirmed: it stays/)
  expect(await typed.ended).toMatchObject({ code: 0 })
  await server.run(['sh', '-c', NFT_BOOT.boot])
}

/** Every remedy against which rules stand, with the machine on which it is printed. */
const TRIALS: Readonly<Partial<Record<Name, readonly Trial[]>>> = {
  allowUfw: [
    { name: 'ufw', rules: kind('ufw'), door: NATIVE, expected: () => [REMEDIES.allowUfw(PORT)], rehearsed: true },
  ],
  allowUfwFirst: [
    {
      name: 'ufw that denies it',
      rules: async (machine) => {
        const type = await kind('ufw')(machine)
        await type(`ufw deny ${DOOR}/tcp`)
        return type
      },
      door: NATIVE,
      expected: () => [REMEDIES.allowUfwFirst(PORT, 'deny')],
    },
  ],
  allowFirewalld: [
    {
      name: 'firewalld',
      rules: kind('firewalld'),
      door: NATIVE,
      expected: () => [REMEDIES.allowFirewalld(PORT, 'public')],
    },
  ],
  allowLast: [
    {
      name: 'iptables-nft',
      rules: kind('iptables-nft'),
      door: NATIVE,
      expected: BY_FAMILY((iptables) => REMEDIES.allowLast(iptables, PORT)),
      running: true,
      rehearsed: true,
    },
    {
      name: 'iptables-legacy',
      rules: kind('iptables-legacy'),
      door: NATIVE,
      expected: BY_FAMILY((iptables) => REMEDIES.allowLast(`${iptables}-legacy`, PORT)),
    },
  ],
  allowBefore: [
    {
      name: 'a rule of iptables at the end',
      rules: both([ESTABLISHED, '-A INPUT -p tcp -m multiport --dports 22,80 -j ACCEPT', '-A INPUT -p tcp -j REJECT']),
      door: NATIVE,
      expected: BY_FAMILY((iptables) => REMEDIES.allowBefore(iptables, PORT, 3)),
    },
  ],
  allowForwarded: [
    {
      name: "Docker's chain for its users",
      container: true,
      rules: dockers(
        '-A DOCKER-USER -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT\n-A DOCKER-USER -i eth0 -j DROP\n',
      ),
      door: `Open_Ports = tcp/${PUBLISHED}\nOpen_For = 60s`,
      port: PUBLISHED,
      expected: BY_FAMILY((iptables) =>
        REMEDIES.allowForwarded(iptables, 'DOCKER-USER', { protocol: 'tcp', port: PUBLISHED }),
      ),
    },
  ],
  allowNft: [
    {
      name: 'nftables',
      rules: kind('nftables'),
      door: NATIVE,
      expected: () => [REMEDIES.allowNft('inet filter', 'input', PORT)],
      rehearsed: true,
    },
  ],
  allowNftLocal: [
    {
      name: 'nftables ahead of routing',
      rules: table(
        `table inet early { chain pre { type filter hook prerouting priority -140;
          ct state established,related accept; tcp dport { 22, 80 } accept; meta l4proto tcp drop; }; }`,
      ),
      door: NATIVE,
      expected: () => [REMEDIES.allowNftLocal('inet early', 'pre', PORT)],
    },
  ],
  allowNftForwarded: [
    {
      name: 'nftables, a port that is sent on',
      container: true,
      rules: table(
        `${SENT_ON}\ntable inet f { chain forward { type filter hook forward priority 0; policy drop;
          ct state established,related accept; }; }`,
      ),
      door: NATIVE,
      expected: () => [REMEDIES.allowNftForwarded('inet f', 'forward', PORT)],
    },
  ],
  answerIptables: [
    {
      name: 'iptables that judges what goes out',
      rules: async (machine) => {
        const { server } = machine
        await both(['-A OUTPUT -o lo -j ACCEPT', '-A OUTPUT -p tcp -m multiport --sports 22,80 -j ACCEPT'])(machine)
        await server.run(['ip6tables', '-A', 'OUTPUT', '-p', 'ipv6-icmp', '-j', 'ACCEPT'])
        await both(['-P OUTPUT DROP'])(machine)
      },
      door: NATIVE,
      expected: BY_FAMILY((iptables) => REMEDIES.answerIptables(iptables, 'OUTPUT', PORT)),
    },
  ],
  answerNft: [
    {
      name: 'nftables that judges what goes out',
      rules: table(
        `table inet o { chain out { type filter hook output priority 0; policy drop;
          oif "lo" accept; ${NEIGHBOURS}; tcp sport { 22, 80 } accept; }; }`,
      ),
      door: NATIVE,
      expected: () => [REMEDIES.answerNft('inet o', 'out', PORT)],
    },
  ],
  applyBase: [
    {
      name: 'the base ruleset of a config without the door',
      rules: async ({ server, client }) => {
        const old = writeConfig(`[other]\nSequence = 7311,832,9413\nOpen_Ports = tcp/4444\n`)
        await confirmed({ server, client }, old, 80, '--allow', 'tcp/22,tcp/80')
      },
      door: NATIVE,
      expected: ({ file }) => [
        REMEDIES.applyBase({ allowed: 'tcp/22,tcp/80', beside: false, persist: undefined, replace: false }, file),
      ],
      type: async ({ server, client }, printed) => {
        const apply = server.start(['sh', '-c', `${printed} --timeout 60s`], {
          env: { ...stubs(), SSH_CONNECTION: `${CLIENT_4} 1 ${SERVER_4} 22` },
        })
        await apply.line(/on trial/)
        await confirm(server, await connected(client, 22))
        await apply.line(/confirmed: it stays/)
        await apply.ended
      },
    },
  ],
  removeBase: [
    {
      name: 'a trial that was left behind, beside a guard without its daemon',
      rules: async ({ server, file }) => {
        const daemon = await run(server, file)
        daemon.kill('SIGKILL')
        await daemon.ended
        await nft(
          server,
          `table inet postern_base { set trial { type nf_proto; flags timeout; };
            chain input { type filter hook input priority filter; meta nfproto != @trial accept; drop; }; }`,
        )
      },
      door: NATIVE,
      expected: () => [REMEDIES.removeBase()],
      guarded: true,
    },
  ],
  persistKernel: [
    {
      name: 'nftables, one door of two whose time and knocks are older',
      etc: NFT_BOOT.etc,
      rules: kernelRules(
        NFT_BOOT.boot,
        `Sequence = ${KNOCKS.join()}\n${NATIVE}`,
        `Sequence = 7311,832,9413\nOpen_Ports = tcp/${DOOR}\nOpen_For = 10s`,
        '--door',
        'a door',
      ),
      door: `[a door]\nSequence = ${KNOCKS.join()}\n${NATIVE}\n[other]\nSequence = 6301,5401,4822\nStart_Command = /bin/true\n`,
      expected: ({ file }) => [
        REMEDIES.persistKernel({ allowed: ALLOWED, doors: ['a door'], format: 'nft', family: undefined }, file),
      ],
    },
    {
      name: 'iptables, a door that has another name now',
      etc: IPTABLES_BOOT.etc,
      rules: kernelRules(IPTABLES_BOOT.boot, '[door]', '[old]', '--format', 'iptables'),
      door: NATIVE,
      expected: ({ file }) =>
        ([4, 6] as const).map((family) =>
          REMEDIES.persistKernel({ allowed: ALLOWED, doors: [], format: 'iptables', family }, file),
        ),
    },
  ],
  replaceKernel: [
    {
      name: 'a door that the kernel cannot do any more',
      etc: NFT_BOOT.etc,
      rules: kernelRules(NFT_BOOT.boot, 'Extend_While_Connected = yes', ''),
      door: `${NATIVE}\nExtend_While_Connected = yes`,
      expected: ({ file }) => [
        REMEDIES.replaceKernel(
          { allowed: ALLOWED, beside: false, persist: '', replace: false },
          file,
          ['/etc/postern-kernel.nft'],
          '/etc/nftables.conf',
        ),
      ],
      type: confirmedAndBooted,
    },
    {
      name: 'a door that the rules of iptables cannot do any more',
      etc: { ...NFT_BOOT.etc, ...IPTABLES_BOOT.etc },
      rules: kernelRules(IPTABLES_BOOT.boot, 'Open_For = 2500ms', '', '--format', 'iptables'),
      door: `Open_Ports = tcp/${DOOR}\nOpen_For = 2500ms`,
      expected: ({ file }) => [
        REMEDIES.replaceKernel(
          { allowed: ALLOWED, beside: true, persist: '', replace: false },
          file,
          ['/etc/iptables/rules.v4', '/etc/iptables/rules.v6'],
          undefined,
        ),
      ],
      type: confirmedAndBooted,
    },
  ],
  establishedIptables: [
    {
      name: 'iptables without a rule for sessions',
      rules: both([`-A INPUT -p tcp --dport ${DOOR} -j DROP`, `-A INPUT -p tcp --dport ${PRIVATE} -j DROP`]),
      door: command('-I'),
      expected: BY_FAMILY((iptables) => REMEDIES.establishedIptables(iptables)),
    },
  ],
  establishedNft: [
    {
      name: 'nftables without a rule for sessions',
      rules: table(
        `table inet filter { chain in { type filter hook input priority 0; tcp dport { ${DOOR}, ${PRIVATE} } drop; }; }`,
      ),
      door: ['ip', 'ip6']
        .map(
          (ip, index) =>
            `Start_Command${index === 0 ? '' : '_6'} = /usr/sbin/nft insert rule inet filter in ${ip} saddr %IP% tcp dport ${DOOR} accept`,
        )
        .join('\n'),
      expected: () => [REMEDIES.establishedNft('inet filter', 'in')],
    },
  ],
  hide: [
    {
      name: 'a door that appends its rule, and nothing that hides the port',
      rules: async () => undefined,
      door: command('-A'),
      expected: (machine) => [hidden(machine, `Open_Ports = tcp/${DOOR}`, 'door')],
      rehearsed: true,
    },
    {
      name: 'two doors for one port, one that shuts it, and a rule that lets all in',
      rules: both([ESTABLISHED, `-A INPUT -p tcp --dport ${DOOR} -j ACCEPT`]),
      door: [
        `[door]\nSequence = ${KNOCKS.join()}\n${command('-I')}\n`,
        `  [ other.one ]\nSequence = 6301,5401,4822\n${command('-A')}\n`,
        `[shut]\nSequence = 6302,5402,4823\nStart_Command = /usr/sbin/iptables -D INPUT -s %IP% -p tcp --dport ${DOOR} -j ACCEPT\nStart_Command_6 =\n`,
      ].join(''),
      running: true,
      expected: ({ file }, pid) => [
        REMEDIES.hide(
          file,
          ['door', 'other.one'].map((door) => ({ door, line: `Open_Ports = tcp/${DOOR}` })),
          pid,
        ),
      ],
    },
    {
      name: 'a door in INPUT for a port that Docker publishes',
      container: true,
      rules: dockers(''),
      door: command('-I', PUBLISHED),
      port: PUBLISHED,
      expected: (machine) => [hidden(machine, `Open_Ports = tcp/${PUBLISHED}`, 'door')],
    },
  ],
  addPublished: [
    {
      name: 'a published port by the address of its container',
      container: true,
      rules: dockers(''),
      door: `Open_Ports = tcp/${INNER}@${CONTAINER_4}\nOpen_For = 60s`,
      port: PUBLISHED,
      running: true,
      expected: ({ file }, pid) => [
        REMEDIES.addPublished(file, `tcp/${INNER}@${CONTAINER_4}`, `tcp/${PUBLISHED}`, pid),
      ],
    },
  ],
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
}

test('every remedy has a trial', () => {
  expect([...Object.keys(TRIALS), ...Object.keys(HARMLESS)].sort()).toEqual(Object.keys(REMEDIES).sort())
})

lab('remedies', () => {
  for (const [name, trials] of Object.entries(TRIALS)) {
    test.each(trials.map((trial) => [trial.name, trial] as const))(
      `${name}: %s`,
      async (_, trial) => {
        await tryRemedy(trial)
      },
      240_000,
    )
  }

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
    for (const [name, makes] of Object.entries(HARMLESS)) {
      const printed = await makes(machine)
      // The base ruleset's record and the daemon's socket are in /run.
      const inside = /Iptables|Nft|install|find/.test(name) ? ['mount -t tmpfs none /run', ...overlays] : []
      const argv = ['unshare', '-m', 'sh', '-ec', [...inside, 'eval "$0"'].join('\n'), printed]
      const { code, stderr } = await server.run(argv, { env: stubs(), mayFail: true })
      if (!['applyAnew', 'check', 'lookAtRules'].includes(name)) expect([name, code, stderr]).toEqual([name, 0, stderr])
      await goesOn(open)
      expect([name, await seenBy(client, DOOR)]).toEqual([name, before])
      expect([name, await probe(client, SERVER_4, DOOR)]).not.toEqual([name, 'open'])
    }
    for (const [address] of FAMILIES) {
      await sendKnocks(client, address, KNOCKS)
      await until(`the knock opens ${address}`, async () => (await probe(client, address, DOOR)) === 'open')
    }
  }, 240_000)
})
