import type { Host } from './net.ts'

/** How a hidden port answers: not at all, with an ICMP error, or with RST as a closed port does. */
export type Hiding = 'drop' | 'reject' | 'reset'

const IPTABLES = ['iptables', 'ip6tables'] as const

/**
 * Hides a TCP port by a rule at the end of iptables' INPUT, for both families: `iptables -I INPUT … -j ACCEPT` beats
 * it, `-A` does not. Connections that are already there stay.
 */
export async function hidePort(host: Host, port: number, hiding: Hiding = 'drop'): Promise<void> {
  await allowEstablished(host)
  const target = { drop: ['DROP'], reject: ['REJECT'], reset: ['REJECT', '--reject-with', 'tcp-reset'] }[hiding]
  for (const iptables of IPTABLES) {
    await host.run([iptables, '-A', 'INPUT', '-p', 'tcp', '--dport', String(port), '-j', ...target])
  }
}

/** Makes iptables' INPUT drop everything but loopback, established connections and neighbour discovery. */
export async function dropAll(host: Host): Promise<void> {
  await allowEstablished(host)
  await host.run(['ip6tables', '-A', 'INPUT', '-p', 'ipv6-icmp', '-j', 'ACCEPT'])
  for (const iptables of IPTABLES) {
    await host.run([iptables, '-A', 'INPUT', '-i', 'lo', '-j', 'ACCEPT'])
    await host.run([iptables, '-P', 'INPUT', 'DROP'])
  }
}

async function allowEstablished(host: Host): Promise<void> {
  for (const iptables of IPTABLES) {
    await host.run([iptables, '-A', 'INPUT', '-m', 'conntrack', '--ctstate', 'ESTABLISHED,RELATED', '-j', 'ACCEPT'])
  }
}

/** The rules of iptables' INPUT, one a line, as `iptables -S INPUT` prints them. */
export async function inputRules(host: Host, family: 4 | 6 = 4): Promise<readonly string[]> {
  const { stdout } = await host.run([family === 4 ? 'iptables' : 'ip6tables', '-S', 'INPUT'])
  return stdout.trim().split('\n')
}

/** Loads an nftables script: `nft(host, 'add table inet mine')`. Returns what it prints. */
export async function nft(host: Host, script: string): Promise<string> {
  return (await host.run(['nft', '-f', '-'], { input: script })).stdout
}

/** The whole nftables rule set as nft prints it. */
export async function nftRules(host: Host): Promise<string> {
  return (await host.run(['nft', 'list', 'ruleset'])).stdout
}
