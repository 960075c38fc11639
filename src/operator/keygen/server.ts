import type { Output } from '../check.ts'
import { UsageError } from './arguments.ts'
import { spaKey } from './spa-key.ts'
import type { SpaSurroundings } from './spa-key.ts'

/** The file of the server's secret key for single packets. */
export const SERVER_KEY_FILE = '/etc/postern/server.key'

const HELP = `usage: postern keygen server [--file FILE] [--show] [--qr]

Makes this server's key for single packets, writes it to a file that only its
owner can read, and prints the lines for each client's ~/.config/postern/config.
An existing file is never overwritten: a new key would shut every client out.

  --file FILE  file to write; default: ${SERVER_KEY_FILE}
  --show       make nothing, and print the lines for the existing key
  --qr         print the public key as a QR code as well
  -h, --help   show this help

exit status: 0 done, 1 it could not be written or read, 2 usage

  sudo postern keygen server
`

/**
 * Runs `postern keygen server`: makes the secret key, and prints the public key as clients need it.
 *
 * @returns the exit code
 */
export async function server(args: readonly string[], output: Output, here?: SpaSurroundings): Promise<number> {
  const key = {
    kind: 'server',
    heading: '# Secret key of this server for single packets (postern keygen server).',
    file: () => SERVER_KEY_FILE,
  } as const
  const run = { args, help: HELP, output, ...(here === undefined ? {} : { here }) }
  return spaKey(key, run, (publicText, file, words, { hostname }) => {
    if (words.length > 0) throw new UsageError('keygen server takes no arguments')
    return `the secret key is in ${file}

for ~/.config/postern/config of each client; hand it to users, do not publish it:

    [${hostname()}]
    Server_Key = ${publicText}
    Door = …
`
  })
}
