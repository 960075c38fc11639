'use strict'
Object.defineProperty(exports, '__esModule', { value: true })
exports.readSecret = readSecret
exports.decryptList = decryptList
const age_encryption_1 = require('age-encryption')
const fault_js_1 = require('./fault.js')
const passphrase_js_1 = require('./passphrase.js')
const IDENTITY = /AGE-SECRET-KEY-(?:PQ-)?1[0-9A-Z]+/i
const BINARY_START = 'age-encryption.org/'
const ARMOR_START = '-----BEGIN AGE'
function readSecret(typed) {
  const identity = IDENTITY.exec(typed)?.[0]
  if (identity === undefined) return { kind: 'passphrase', text: typed }
  return { kind: 'identity', text: identity.toUpperCase() }
}
async function decryptList(file, secret, onProgress) {
  const bytes = withoutArmor(file)
  const decrypter = new age_encryption_1.Decrypter()
  const asked = new Witness()
  const unmatched = new Witness()
  decrypter.addIdentity(asked)
  try {
    decrypter.addIdentity(
      secret.kind === 'identity' ? secret.text : new passphrase_js_1.PassphraseIdentity(secret.text, onProgress),
    )
  } catch (error) {
    throw new fault_js_1.Fault('This identity is not whole.', 'A letter is missing or mistyped: paste it once more.', {
      cause: error,
    })
  }
  decrypter.addIdentity(unmatched)
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(await decrypter.decrypt(bytes))
  } catch (error) {
    if (unmatched.stanzas === undefined) {
      throw new fault_js_1.Fault('This list is damaged.', 'It may have been fetched while it was written: try again.', {
        cause: error,
      })
    }
    throw mismatch(secret, asked.stanzas?.some(passphrase_js_1.wantsPassphrase) ?? false)
  }
}
class Witness {
  stanzas
  unwrapFileKey(stanzas) {
    this.stanzas = stanzas
    return null
  }
}
function mismatch({ kind }, passphraseWanted) {
  if (kind === 'identity') {
    return passphraseWanted
      ? new fault_js_1.Fault('This list asks for a passphrase.', 'What you gave is an identity.')
      : new fault_js_1.Fault(
          'This identity does not open the list.',
          'The list is encrypted to others: use one of theirs.',
        )
  }
  return passphraseWanted
    ? new fault_js_1.Fault('This passphrase does not open the list.', 'Show what you typed and look it over.')
    : new fault_js_1.Fault(
        'This list asks for an identity.',
        'It is the line of your key file that begins with AGE-SECRET-KEY-.',
      )
}
function withoutArmor(file) {
  const start = new TextDecoder().decode(file.subarray(0, ARMOR_START.length * 2)).trimStart()
  if (start.startsWith(BINARY_START)) return file
  if (!start.startsWith(ARMOR_START)) {
    throw new fault_js_1.Fault(
      'This is not an age file.',
      'The web server gave out something else in the list’s place.',
    )
  }
  try {
    return age_encryption_1.armor.decode(new TextDecoder().decode(file))
  } catch (error) {
    throw new fault_js_1.Fault('This list is damaged.', 'It may have been fetched while it was written: try again.', {
      cause: error,
    })
  }
}
