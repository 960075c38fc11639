import { UsageError } from '../../cli/fault.ts'
import { CMD_TIMEOUT_MAX_MS } from '../../config/config.ts'
import type { Service } from '../../config/config.ts'
import { formatService, hasPort } from '../../config/service.ts'
import { formatNetwork, parseNetwork } from '../../packet/network.ts'
import type { Network } from '../../packet/network.ts'
import { TCP } from '../../packet/packet.ts'
import { nearest } from '../../text/nearest.ts'
import { allowedPorts } from '../firewall/allowed.ts'
import { NONE, SECRETS, networks } from './arguments.ts'
import type { SetupArguments } from './arguments.ts'
import type { Choices, Plan, SecretKind } from './choices.ts'
import { proposedPort } from './facts.ts'
import type { MachineFacts } from './facts.ts'
import { faultOfUser } from './secrets.ts'
import { ANY } from './service.ts'
import type { Terminal } from './terminal.ts'

/** The default name of the door, and the default time that a knock opens, in milliseconds. */
const DOOR = 'ssh'
const OPEN_FOR_MS = 30_000
/** The most listening ports that are shown. */
const PORTS_SHOWN_MAX = 20

/** The material for the choices. */
export interface Sources {
  readonly asked: SetupArguments
  readonly facts: MachineFacts
  /** The plan of the present config, if set-up wrote it. What no option says stays as it is there. */
  readonly present: Plan | undefined
  /** The person to ask; `undefined`: nobody is asked. */
  readonly terminal: Terminal | undefined
  readonly say: (text: string) => void
}

/** Makes the choices: of options, of the present config, of the person, or of what this machine proposes. */
export async function choose({ asked, facts, present, terminal, say }: Sources): Promise<Choices> {
  const links = (names: readonly string[]): readonly string[] => knownLinks(names, facts)
  const given = asked.interface.flat()
  const usualLinks = present?.interfaces ?? [facts.watched.name]
  let interfaces = given.length > 0 ? links(given) : usualLinks
  if (given.length === 0 && terminal !== undefined) {
    say(linksText(facts))
    interfaces = await terminal.ask('interface on which knocks arrive', usualLinks.join(), (text) =>
      links(text.split(',').map((name) => name.trim())),
    )
  }
  const hidden = await chooseHidden({ asked, facts, present, terminal, say })
  let secret: SecretKind = asked.secret ?? present?.secret ?? 'sequence'
  if (asked.secret === undefined && terminal !== undefined) {
    say(SECRETS_TEXT)
    secret = await terminal.ask('secret', secret, secretOf)
  }
  const allowed = asked['always-allow'].flat()
  let alwaysAllow = asked['always-allow'].length > 0 ? allowed : (present?.alwaysAllow ?? proposedNetworks(facts))
  if (asked['always-allow'].length === 0 && terminal !== undefined) {
    say(allowText(facts))
    alwaysAllow = await terminal.ask('let in without a knock', networksText(alwaysAllow), networks)
  }
  return {
    door: asked.door ?? present?.door ?? DOOR,
    interfaces,
    hidden,
    secret,
    sequence: asked.sequence,
    alwaysAllow,
    openForMs: Math.min(asked['open-for'] ?? present?.openForMs ?? OPEN_FOR_MS, CMD_TIMEOUT_MAX_MS),
  }
}

async function chooseHidden({ asked, facts, present, terminal, say }: Sources): Promise<readonly Service[]> {
  const given = asked.hide.flat()
  if (given.length > 0) return given
  const port = proposedPort(facts)
  const proposed: readonly Service[] =
    port === undefined ? [] : [{ protocol: TCP, first: port, last: port, host: undefined }]
  const usual = present?.hidden ?? proposed
  if (terminal === undefined) {
    if (usual.length > 0) return usual
    throw new UsageError('no ssh was found on this machine to be hidden', 'name the ports: --hide tcp/PORT')
  }
  say(portsText(facts))
  const text = usual.length === 0 ? undefined : usual.map(formatService).join()
  return await terminal.ask('ports to hide', text, allowedPorts)
}

/** Asks for the line of the client's key. Returns `undefined` if the key is to be made here. */
export async function askForKey(terminal: Terminal): Promise<string | undefined> {
  const line = await terminal.ask('the line that postern keygen user printed on your client', NONE, (text) => {
    const fault = text === NONE ? undefined : faultOfUser(text)
    if (fault !== undefined) throw new UsageError(fault.message, fault.hint)
    return text
  })
  return line === NONE ? undefined : line
}

/** Returns the warnings of choices that are valid but probably not meant. */
export function doubtsOf({ hidden, alwaysAllow }: Plan, { listening, session }: MachineFacts): readonly string[] {
  const silent = hidden.filter(({ protocol, first, last }) => first === last && !listening[protocol].has(first))
  const doubts = silent.map((service) => `no program listens at ${formatService(service)}`)
  const ownPort = session && ({ protocol: TCP, port: session.port } as const)
  if (ownPort !== undefined && !hasPort(hidden, ownPort)) {
    doubts.push(`tcp/${ownPort.port}, where you are logged in, stays open to everybody`)
  }
  if (session !== undefined && alwaysAllow.length === 0) {
    doubts.push('nobody gets in without a knock: try it from another terminal before you close this one')
  }
  return doubts
}

/** Returns interfaces that this machine has. @throws UsageError if one is missing */
function knownLinks(names: readonly string[], { links }: MachineFacts): readonly string[] {
  const known = links.map(({ name }) => name)
  const wrong = names.find((name) => name !== ANY && !known.includes(name))
  if (wrong === undefined) return names
  const meant = nearest(wrong, known)
  const hint = meant === undefined ? `there are: ${known.join(', ')}, and any for all` : `did you mean: ${meant}`
  throw new UsageError(`no such interface with an address: ${wrong}`, hint)
}

function secretOf(text: string): SecretKind {
  const found = SECRETS.find((kind) => kind === text.toLowerCase())
  if (found === undefined) throw new UsageError(`unknown secret ${text}`, SECRETS.join(', '))
  return found
}

function proposedNetworks({ session }: MachineFacts): readonly Network[] {
  const network = session === undefined ? undefined : parseNetwork(session.peer)
  return network === undefined ? [] : [network]
}

function networksText(list: readonly Network[]): string {
  return list.length === 0 ? NONE : list.map(formatNetwork).join()
}

function linksText({ links, watched, session }: MachineFacts): string {
  const lines = links.map(({ name, addresses }) => {
    const why = name !== watched.name ? '' : session === undefined ? '  (default)' : '  (your ssh session)'
    return `  ${name}  ${addresses.map(({ text }) => text).join(', ')}${why}\n`
  })
  return `\n${lines.join('')}`
}

function portsText({ listening, session }: MachineFacts): string {
  const ports = [...listening[TCP]].toSorted((one, other) => one - other)
  const shown = ports.slice(0, PORTS_SHOWN_MAX).map((port) => `tcp/${port}${port === session?.port ? ' (yours)' : ''}`)
  const more = ports.length > PORTS_SHOWN_MAX ? ` and ${ports.length - PORTS_SHOWN_MAX} more` : ''
  return `\n  programs listen at: ${shown.join(', ') || 'no port'}${more}\n`
}

const SECRETS_TEXT = `
  sequence  ports in an order; any client can knock, and who sees the packets can repeat them
  totp      a sequence, then the code of an app on your phone; each code opens once
  spa       one encrypted packet of knock --spa; nobody can repeat it
`

function allowText({ session }: MachineFacts): string {
  const own = session === undefined ? '' : `; you come from ${session.peer}`
  return `\n  networks between commas, or ${NONE}${own}\n`
}
