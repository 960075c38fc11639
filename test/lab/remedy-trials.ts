import { readFileSync, writeFileSync } from 'node:fs'
import { expect } from 'vitest'
import { REMEDIES } from '../../src/remedy/remedies.ts'
import { confirm, confirmed, connected } from './base-rules.ts'
import { CONTAINER_4, INNER, PUBLISHED, docker } from './docker.ts'
import { nft } from './firewall.ts'
import { KNOCKS } from './guarded.ts'
import { program } from './knockd.ts'
import { CLIENT_4, SERVER_4 } from './net.ts'
import { KINDS } from './own-rules.ts'
import type { OwnRules } from './own-rules.ts'
import { DOOR, FAMILIES, PRIVATE, run, stubs } from './remedy-trial.ts'
import type { Machine, Trials } from './remedy-trial.ts'
import { writeConfig } from './scratch.ts'

const PORT = { protocol: 'tcp', port: DOOR } as const

export const NATIVE = `Open_Ports = tcp/${DOOR}\nOpen_For = 60s`
const command = (how: '-A' | '-I', port = DOOR): string =>
  ['Start_Command', 'Start_Command_6', 'Stop_Command', 'Stop_Command_6']
    .map((name, index) => {
      const [iptables, act] = [index % 2 === 0 ? 'iptables' : 'ip6tables', index < 2 ? how : '-D']
      return `${name} = /usr/sbin/${iptables} ${act} INPUT -s %IP% -p tcp --dport ${port} -j ACCEPT`
    })
    .join('\n')
    .concat('\nCmd_Timeout = 60')

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
export const ALLOWED = 'tcp/22,tcp/80'

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

/** Remedies by which the machine's own firewall lets in the sources that the guard has let in. */
export const ALLOWING: Trials = {
  allowUfw: [
    { name: 'ufw', rules: kind('ufw'), door: NATIVE, expected: () => [REMEDIES.allowUfw(PORT)], rehearsed: true },
  ],
  allowUfwFirst: [
    {
      name: 'ufw that denies it',
      isLong: true,
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
      isLong: true,
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
      askedAgain: true,
    },
    {
      name: 'iptables-legacy',
      isLong: true,
      rules: kind('iptables-legacy'),
      door: NATIVE,
      expected: BY_FAMILY((iptables) => REMEDIES.allowLast(`${iptables}-legacy`, PORT)),
    },
  ],
  allowBefore: [
    {
      name: 'a rule of iptables at the end',
      isLong: true,
      rules: both([ESTABLISHED, '-A INPUT -p tcp -m multiport --dports 22,80 -j ACCEPT', '-A INPUT -p tcp -j REJECT']),
      door: NATIVE,
      expected: BY_FAMILY((iptables) => REMEDIES.allowBefore(iptables, PORT, 3)),
    },
  ],
  allowForwarded: [
    {
      name: "Docker's chain for its users",
      isLong: true,
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
      isLong: true,
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
      isLong: true,
      container: true,
      rules: table(
        `${SENT_ON}\ntable inet f { chain forward { type filter hook forward priority 0; policy drop;
          ct state established,related accept; }; }`,
      ),
      door: NATIVE,
      expected: () => [REMEDIES.allowNftForwarded('inet f', 'forward', PORT)],
    },
  ],
}

/** Remedies that let sessions go on and answers out, hide ports, or put other rules of Postern in force. */
export const OTHERS: Trials = {
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
      isLong: true,
      rules: table(
        `table inet o { chain out { type filter hook output priority 0; policy drop;
          oif "lo" accept; ${NEIGHBOURS}; tcp sport { 22, 80 } accept; }; }`,
      ),
      door: NATIVE,
      expected: () => [REMEDIES.answerNft('inet o', 'out', PORT)],
    },
  ],
  establishedIptables: [
    {
      name: 'iptables without a rule for sessions',
      isLong: true,
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
  applyBase: [
    {
      // base-confirmed.test.ts has it, with status in place of a stranger.
      name: 'the base ruleset of a config without the door',
      isLong: true,
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
      isLong: true,
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
      isLong: true,
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
  hide: [
    {
      name: 'a door that appends its rule, and nothing that hides the port',
      isLong: true,
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
      isLong: true,
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
