import { createInterface } from 'node:readline'
import { Writable } from 'node:stream'
import { Failure } from '../../cli/fault.ts'

/** Asks for a passphrase at the terminal, without showing it. @throws Failure if there is no terminal */
export async function askPassphrase(question: string): Promise<string> {
  if (!process.stdin.isTTY) {
    throw new Failure("there is no terminal to ask for the passphrase of the operator's key")
  }
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() })
  const reader = createInterface({ input: process.stdin, output: nowhere, terminal: true })
  // Only now does the terminal show nothing of what is typed.
  process.stderr.write(`${question}: `)
  try {
    return await new Promise<string>((resolve, reject) => {
      reader.once('line', resolve)
      reader.once('close', () => reject(new Failure('the terminal was closed: nothing has changed')))
      reader.once('SIGINT', () => reject(new Failure('interrupted: nothing has changed')))
    })
  } finally {
    reader.close()
    process.stderr.write('\n')
  }
}

/** Asks for the passphrase of a key file. */
export async function passphraseOf(path: string): Promise<string> {
  return await askPassphrase(`passphrase of ${path}`)
}
