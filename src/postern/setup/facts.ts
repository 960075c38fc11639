import { formatAddress, parseAddress } from '../../packet/address.ts'
import { isLoopback } from '../../packet/scope.ts'
import { TCP } from '../../packet/packet.ts'
import { listeningPorts } from '../../host/listening.ts'
import type { Listening } from '../../host/listening.ts'
import { sshSession } from '../../host/ssh.ts'
import { run } from '../../twin/agent.ts'
import { lookAtMachine } from '../../twin/machine.ts'
import type { Link } from '../../twin/machine.ts'
import { IPTABLES, takeRules } from '../../twin/rules.ts'
import type { Rules } from '../../twin/rules.ts'

/** The port of ssh (RFC 4251). */
const SSH_PORT = 22
/** The tables that Postern loads. */
const OURS = /^inet postern/

/** The ssh connection in which set-up was typed. */
export interface Session {
  /** The client's address. */
  readonly peer: string
  /** The address and port of this machine in it. */
  readonly address: string
  readonly port: number
}

/** The facts of this machine that set-up proposes its answers from. */
export interface MachineFacts {
  /** The interfaces with addresses. */
  readonly links: readonly Link[]
  /** The interface of the ssh session, or else the daemon's default. */
  readonly watched: Link
  readonly listening: Listening
  readonly session: Session | undefined
  /** The names of the firewalls in force. */
  readonly firewalls: readonly string[]
}

/** Looks at this machine, and changes nothing. @throws Error if it has no interface with an address */
export async function lookAround(): Promise<MachineFacts> {
  const { links, watched } = await lookAtMachine(run, [])
  const session = presentSession()
  const usable = links.filter(({ addresses }) => addresses.length > 0)
  const theirs = usable.find(({ addresses }) => addresses.some(({ text }) => text === session?.address))
  return {
    links: usable,
    watched: theirs ?? watched,
    listening: listeningPorts(),
    session,
    firewalls: firewallsIn(await takeRules(run)),
  }
}

function presentSession(): Session | undefined {
  const { peer, address, port, state } = sshSession()
  if (peer === undefined || address === undefined || port === undefined || state === 'ended') return undefined
  // A session through a tunnel on this machine shows no address of the client.
  const client = parseAddress(peer.address)
  if (client === undefined || isLoopback(client)) return undefined
  return { peer: formatAddress(client), address, port }
}

/** Returns the names of the firewalls in force: `ufw`, `iptables`, `nftables (inet filter)`. */
export function firewallsIn({ saved, tables }: Pick<Rules, 'saved' | 'tables'>): readonly string[] {
  const texts = IPTABLES.map((kind) => saved[kind])
  const names = tables.map(({ name }) => name).filter((name) => !OURS.test(name))
  const byIptables = texts.some((text) => /^-A |^:\S+ DROP/m.test(text))
  if (texts.some((text) => text.includes(':ufw-user-input '))) return ['ufw']
  if (names.includes('inet firewalld')) return ['firewalld']
  return [...(byIptables ? ['iptables'] : []), ...(names.length > 0 ? [`nftables (${names.join(', ')})`] : [])]
}

/** Returns the TCP port that is proposed to be hidden: that of the ssh session, or ssh's if a program listens there. */
export function proposedPort({ session, listening }: MachineFacts): number | undefined {
  return session?.port ?? (listening[TCP].has(SSH_PORT) ? SSH_PORT : undefined)
}
