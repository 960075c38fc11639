import { cpSync, existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { nft } from './firewall.ts'
import type { Host } from './net.ts'
import type { Output } from './process.ts'
import { scratch } from './scratch.ts'

/** Ports that the rules of {@link KINDS} allow to everybody; all others are shut. */
export const ALLOWED = [22, 80] as const

/** A kind of rules that a machine may have. */
export interface Kind {
  readonly name: string
  /** Whether what makes these rules is installed. */
  readonly there: boolean
  /** Whether they accept whatever NAT sent elsewhere, closed ports and all. */
  readonly acceptsRedirected?: boolean
  /** Puts rules in that allow {@link ALLOWED} and shut the rest. */
  readonly set: (host: Host) => Promise<OwnRules>
}

/** The rules of a machine, as its owner handles them. */
export interface OwnRules {
  /** Loads them anew, in the way that is usual for them. */
  readonly reload: () => Promise<unknown>
  /** Runs a line of shell as the machine's owner types it, with the environment given. */
  readonly type: (line: string, env?: Readonly<Record<string, string>>) => Promise<Output>
}

/** Every kind of rules beside which the guard has to work. */
export const KINDS: readonly Kind[] = [
  { name: 'nftables', there: true, set: nftables },
  { name: 'iptables-nft', there: true, set: (host) => iptables(host, 'nft') },
  { name: 'iptables-legacy', there: true, set: (host) => iptables(host, 'legacy') },
  { name: 'ufw', there: existsSync('/usr/sbin/ufw'), set: ufw },
  { name: 'firewalld', there: existsSync('/usr/sbin/firewalld'), acceptsRedirected: true, set: firewalld },
]

const NFTABLES = `
table inet filter {
  chain input {
    type filter hook input priority 0; policy drop;
    ct state established,related accept
    iif "lo" accept
    meta l4proto { icmp, ipv6-icmp } accept
    tcp dport { ${ALLOWED.join()} } counter accept
  }
  chain forward { type filter hook forward priority 0; policy drop; }
}
table ip nat {
  chain prerouting { type nat hook prerouting priority -100; tcp dport 8022 redirect to :22; }
}
`

async function nftables(host: Host): Promise<OwnRules> {
  await nft(host, NFTABLES)
  // What Debian's /etc/nftables.conf begins with.
  return { reload: async () => await nft(host, `flush ruleset\n${NFTABLES}`), type: typing(host) }
}

const iptablesText = (icmp: string): string => `*nat
-A PREROUTING -p tcp --dport 8022 -j REDIRECT --to-ports 22
COMMIT
*mangle
-A PREROUTING -p tcp --dport 80 -j MARK --set-mark 7
COMMIT
*filter
:INPUT DROP
:FORWARD DROP
-A INPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
-A INPUT -i lo -j ACCEPT
-A INPUT -p ${icmp} -j ACCEPT
-A INPUT -p tcp -m multiport --dports ${ALLOWED.join()} -j ACCEPT
COMMIT
`

async function iptables(host: Host, flavour: 'nft' | 'legacy'): Promise<OwnRules> {
  const load = async (): Promise<void> => {
    await host.run([`iptables-${flavour}-restore`], { input: iptablesText('icmp') })
    await host.run([`ip6tables-${flavour}-restore`], { input: iptablesText('ipv6-icmp') })
  }
  await load()
  return { reload: load, type: typing(host) }
}

/** Types on a host without surroundings of its own. */
export function typing(host: Host): OwnRules['type'] {
  return async (line, env = {}) => await host.run(['sh', '-c', line], { env })
}

/** Runs a command with a folder of its own in place of one in /etc: `[there, here]` for each. */
async function within(
  host: Host,
  places: readonly (readonly [string, string])[],
  argv: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Output> {
  const mounts = places.map(([there, here]) => `mount --bind ${here} ${there}`)
  const script = ['set -e', 'mount -t tmpfs none /run', ...mounts, 'exec "$@"'].join('\n')
  return await host.run(['unshare', '-m', 'sh', '-c', script, 'sh', ...argv], { env })
}

const UFW_DEFAULT = `IPV6=yes
DEFAULT_INPUT_POLICY="DROP"
DEFAULT_OUTPUT_POLICY="ACCEPT"
DEFAULT_FORWARD_POLICY="DROP"
DEFAULT_APPLICATION_POLICY="SKIP"
MANAGE_BUILTINS=no
IPT_SYSCTL=
IPT_MODULES=
`

async function ufw(host: Host): Promise<OwnRules> {
  const [etc, defaults] = [scratch('ufw'), scratch('ufw-default')]
  // Its links lead to the package's own files, which are not this host's to write.
  cpSync('/usr/share/ufw', etc, { recursive: true, dereference: true })
  mkdirSync(join(etc, 'applications.d'))
  writeFileSync(defaults, UFW_DEFAULT)
  const places = [
    ['/etc/ufw', etc],
    ['/etc/default/ufw', defaults],
  ] as const
  for (const port of ALLOWED) await within(host, places, ['ufw', 'allow', `${port}/tcp`])
  await within(host, places, ['ufw', '--force', 'enable'])
  return {
    reload: async () => await within(host, places, ['ufw', 'reload']),
    type: async (line, env = {}) => await within(host, places, ['sh', '-c', line], env),
  }
}

/** A message bus of its own, on which everybody may do everything. */
const busConfig = (socket: string): string => `<!DOCTYPE busconfig PUBLIC
 "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN" "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>system</type>
  <listen>unix:path=${socket}</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow user="*"/>
    <allow own="*"/>
    <allow send_destination="*"/>
    <allow receive_sender="*"/>
  </policy>
</busconfig>
`

async function firewalld(host: Host): Promise<OwnRules> {
  const [etc, socket, config] = [scratch('firewalld'), scratch('bus'), scratch('bus.conf')]
  mkdirSync(join(etc, 'zones'), { recursive: true })
  // Beside these ports, what the zone has by default.
  const ports = ALLOWED.map((port) => `<port port="${port}" protocol="tcp"/>`)
  const services = ['ssh', 'dhcpv6-client'].map((name) => `<service name="${name}"/>`)
  writeFileSync(join(etc, 'zones', 'public.xml'), `<zone>${[...services, ...ports].join('')}<forward/></zone>\n`)
  writeFileSync(config, busConfig(socket))
  const env = { DBUS_SYSTEM_BUS_ADDRESS: `unix:path=${socket}` }
  const bus = host.start(['dbus-daemon', `--config-file=${config}`, '--nofork', '--nopidfile', '--print-address'], {
    env,
  })
  await bus.line(/^unix:/)
  const script = `set -e\nmount -t tmpfs none /run\nmount --bind ${etc} /etc/firewalld\nexec firewalld --nofork --nopid --debug=1`
  const daemon = host.start(['unshare', '-m', 'sh', '-c', script], { env })
  const cmd = async (...args: readonly string[]): Promise<Output> => await host.run(['firewall-cmd', ...args], { env })
  await daemon.line(/./)
  await cmd('--state')
  return {
    reload: async () => await cmd('--complete-reload'),
    type: async (line, more = {}) => await host.run(['sh', '-c', line], { env: { ...env, ...more } }),
  }
}
