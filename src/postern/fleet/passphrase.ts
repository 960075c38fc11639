import { askHidden } from '../hidden-input.ts'

/** Asks for a passphrase of the operator's key. @throws Failure if there is no terminal */
export async function askPassphrase(question: string): Promise<string> {
  return await askHidden(question, "there is no terminal to ask for the passphrase of the operator's key")
}

/** Asks for the passphrase of a key file. */
export async function passphraseOf(path: string): Promise<string> {
  return await askPassphrase(`passphrase of ${path}`)
}
