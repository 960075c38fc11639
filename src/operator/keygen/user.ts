import { keyFileDefault } from '../../client/spa/postern.ts'
import { readUsers } from '../../spa/noise/users.ts'
import { formatKey } from '../../spa/noise/key-text.ts'
import type { Output } from '../check.ts'
import { UsageError } from './arguments.ts'
import { spaKey } from './spa-key.ts'
import type { SpaSurroundings } from './spa-key.ts'

const HELP = `usage: postern keygen user [--file FILE] [--show] [--qr] [NAME]

Makes your key for single packets, writes it to a file that only you can read,
and prints the line for the server's file of users. An existing file is never
overwritten.

  NAME         name of the key; default: your name and this machine's
  --file FILE  file to write; default: ~/.config/postern/key, where knock --spa
               finds it
  --show       make nothing, and print the line of the existing key
  --qr         print the public key as a QR code as well
  -h, --help   show this help

exit status: 0 done, 1 it could not be written or read, 2 usage

  postern keygen user
  postern keygen user --show 'alice, her laptop'
`

/**
 * Runs `postern keygen user`: makes the secret key, and prints the public key as the server needs it.
 *
 * @returns the exit code
 */
export async function user(args: readonly string[], output: Output, here?: SpaSurroundings): Promise<number> {
  const key = {
    kind: 'user',
    heading: '# Secret key of a user for single packets (postern keygen user). Keep it to yourself.',
    file: keyFileDefault,
  } as const
  const run = { args, help: HELP, output, ...(here === undefined ? {} : { here }) }
  return spaKey(key, run, (publicText, file, words, { hostname, username }) => {
    if (words.length > 1) throw new UsageError("keygen user takes one name\n  as in 'alice, her laptop'")
    const name = words[0] ?? `${username()}@${hostname()}`
    checkName(name)
    return `the secret key is in ${file}

a line for the server's file of users; options come before the key, as in
\`doors=ssh open-for=1h\`:

    ${publicText} ${name}
`
  })
}

/** Refuses a name that the server cannot read. @throws UsageError */
function checkName(name: string): void {
  const line = `${formatKey('postern-user', new Uint8Array(32))} ${name}`
  const [fault] = readUsers(line).faults
  if (/[\r\n]/.test(name)) throw new UsageError('the name has more than one line')
  if (fault !== undefined) throw new UsageError(`${fault.message}\n  ${fault.hint ?? ''}`)
}
