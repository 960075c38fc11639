import { formatKnock } from '../../config/sequence.ts'
import { TCP } from '../../packet/packet.ts'
import { shellWord } from '../../text/shell-word.ts'
import { drawQr } from '../card/qr-code.ts'
import type { Plan } from './choices.ts'
import type { MachineFacts } from './facts.ts'
import type { Secrets } from './secrets.ts'

/** The port of ssh that needs no option. */
const SSH_PORT = 22
/** The place of the code in the client's command. */
export const CODE_WORD = 'CODE'

/** Rounds after the first, until the port is open. */
const RETRIES = 2

/** Returns the command with which the client knocks, and waits until a single TCP port is open. */
export function knockWords(plan: Plan, host: string, { serverKey = '' }: Secrets): readonly string[] {
  const { secret, knocks, door } = plan
  const port = tcpPort(plan)
  const verify = port === undefined ? [] : ['--verify', `tcp/${port}`]
  const retry = port === undefined ? [] : ['--retry', String(RETRIES)]
  const ports = knocks.map(formatKnock)
  if (secret === 'spa') return ['knock', '--spa', '--door', door, '--server-key', serverKey, ...verify, ...retry, host]
  // A code can be used only once.
  if (secret === 'totp') return ['knock', '--code', CODE_WORD, ...verify, host, ...ports]
  return ['knock', ...verify, ...retry, host, ...ports]
}

/** Returns the line to type on the client: the knock, and ssh if a single TCP port is hidden. */
export function clientLine(plan: Plan, host: string, secrets: Secrets): string {
  const knock = knockWords(plan, host, secrets).map(shellWord).join(' ')
  const port = tcpPort(plan)
  if (port === undefined) return knock
  return `${knock} && ssh ${port === SSH_PORT ? '' : `-p ${port} `}${shellWord(host)}`
}

/** Returns the only port that is hidden, if it is a TCP port. */
function tcpPort({ hidden }: Plan): number | undefined {
  const [service, ...more] = hidden
  const isOne = service?.protocol === TCP && service.first === service.last && more.length === 0
  return isOne ? service.first : undefined
}

/** Returns the address of this machine for the client: as it was reached, or that of an interface. */
export function hostOf({ session, links, watched }: MachineFacts, interfaces: readonly string[]): string {
  const link = links.find(({ name }) => interfaces.includes(name)) ?? watched
  return session?.address ?? link.addresses[0]?.text ?? 'HOST'
}

/** Returns the text for the client: its line, and what has to be there first. @param colours of the QR code */
export async function clientText(plan: Plan, host: string, secrets: Secrets, colours: boolean): Promise<string> {
  const { uri, userSecret } = secrets
  const parts = []
  if (uri !== undefined) parts.push(`for an authenticator app:\n\n    ${uri}\n\n${await drawQr(uri, colours)}`)
  if (userSecret !== undefined) {
    parts.push(
      'on the client, once; this key is in no file here:\n\n' +
        `    mkdir -p ~/.config/postern && (umask 077; echo ${userSecret} > ~/.config/postern/key)\n`,
    )
  }
  const code = plan.secret === 'totp' ? `, with the app's code in place of ${CODE_WORD}` : ''
  parts.push(`on the client${code}:\n\n    ${clientLine(plan, host, secrets)}\n`)
  return `\n${parts.join('\n')}\n`
}
