import type { Output } from '../check.ts'
import { UsageError } from './arguments.ts'
import { spaKey } from './spa-key.ts'
import type { SpaSurroundings } from './spa-key.ts'

/** Where the server's secret key for single packets is kept. */
export const SERVER_KEY_FILE = '/etc/postern/server.key'

const HELP = `usage: postern keygen server [--file FILE] [--show] [--qr]

Makes this server's key for single packets, writes it to a file that only its
owner can read, and prints what clients write into ~/.config/postern/config. A
file that is there is never overwritten: a new key would shut every client out.

  --file FILE  where to, ${SERVER_KEY_FILE} otherwise
  --show       makes nothing: prints the same for the key that is there
  --qr         draws the public key as a QR code as well
  -h, --help   this text

exit status: 0 done, 1 it could not be written or read, 2 usage

  sudo postern keygen server
`

/**
 * `postern keygen server`: makes the secret key, and prints the public one as clients need it.
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
    if (words.length > 0) throw new UsageError('keygen server takes no words')
    return `the secret key is in ${file}

for ~/.config/postern/config of each client; hand it to users, do not publish it:

    [${hostname()}]
    Server_Key = ${publicText}
    Door = …
`
  })
}
