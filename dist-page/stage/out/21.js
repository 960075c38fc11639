'use strict'
var __createBinding =
  (this && this.__createBinding) ||
  (Object.create
    ? function (o, m, k, k2) {
        if (k2 === undefined) k2 = k
        var desc = Object.getOwnPropertyDescriptor(m, k)
        if (!desc || ('get' in desc ? !m.__esModule : desc.writable || desc.configurable)) {
          desc = {
            enumerable: true,
            get: function () {
              return m[k]
            },
          }
        }
        Object.defineProperty(o, k2, desc)
      }
    : function (o, m, k, k2) {
        if (k2 === undefined) k2 = k
        o[k2] = m[k]
      })
var __setModuleDefault =
  (this && this.__setModuleDefault) ||
  (Object.create
    ? function (o, v) {
        Object.defineProperty(o, 'default', { enumerable: true, value: v })
      }
    : function (o, v) {
        o['default'] = v
      })
var __importStar =
  (this && this.__importStar) ||
  (function () {
    var ownKeys = function (o) {
      ownKeys =
        Object.getOwnPropertyNames ||
        function (o) {
          var ar = []
          for (var k in o) if (Object.prototype.hasOwnProperty.call(o, k)) ar[ar.length] = k
          return ar
        }
      return ownKeys(o)
    }
    return function (mod) {
      if (mod && mod.__esModule) return mod
      var result = {}
      if (mod != null)
        for (var k = ownKeys(mod), i = 0; i < k.length; i++) if (k[i] !== 'default') __createBinding(result, mod, k[i])
      __setModuleDefault(result, mod)
      return result
    }
  })()
Object.defineProperty(exports, '__esModule', { value: true })
exports.ScryptIdentity =
  exports.ScryptRecipient =
  exports.X25519Identity =
  exports.X25519Recipient =
  exports.HybridTagRecipient =
  exports.TagRecipient =
  exports.HybridIdentity =
  exports.HybridRecipient =
    void 0
exports.generateIdentity = generateIdentity
exports.generateX25519Identity = generateX25519Identity
exports.generateHybridIdentity = generateHybridIdentity
exports.identityToRecipient = identityToRecipient
exports.encryptFileKey = encryptFileKey
exports.decryptFileKey = decryptFileKey
const base_1 = require('@scure/base')
const hkdf_js_1 = require('@noble/hashes/hkdf.js')
const sha2_js_1 = require('@noble/hashes/sha2.js')
const scrypt_js_1 = require('@noble/hashes/scrypt.js')
const chacha_js_1 = require('@noble/ciphers/chacha.js')
const hybrid_js_1 = require('@noble/post-quantum/hybrid.js')
const nist_js_1 = require('@noble/curves/nist.js')
const utils_js_1 = require('@noble/hashes/utils.js')
const base_2 = require('@scure/base')
const x25519 = __importStar(require('./x25519.js'))
const format_js_1 = require('./format.js')
const index_js_1 = require('./index.js')
function generateIdentity() {
  return generateX25519Identity()
}
function generateX25519Identity() {
  const scalar = (0, utils_js_1.randomBytes)(32)
  const identity = base_1.bech32.encodeFromBytes('AGE-SECRET-KEY-', scalar).toUpperCase()
  return Promise.resolve(identity)
}
function generateHybridIdentity() {
  const scalar = (0, utils_js_1.randomBytes)(32)
  const identity = base_1.bech32.encodeFromBytes('AGE-SECRET-KEY-PQ-', scalar).toUpperCase()
  return Promise.resolve(identity)
}
async function identityToRecipient(identity) {
  let scalar
  if (isCryptoKey(identity)) {
    scalar = identity
  } else if (identity.startsWith('AGE-SECRET-KEY-PQ-1')) {
    const res = base_1.bech32.decodeToBytes(identity)
    if (res.prefix.toUpperCase() !== 'AGE-SECRET-KEY-PQ-' || res.bytes.length !== 32) {
      throw Error('invalid identity')
    }
    const recipient = hybrid_js_1.MLKEM768X25519.getPublicKey(res.bytes)
    return base_1.bech32.encode('age1pq', base_1.bech32.toWords(recipient), false)
  } else {
    const res = base_1.bech32.decodeToBytes(identity)
    if (
      !identity.startsWith('AGE-SECRET-KEY-1') ||
      res.prefix.toUpperCase() !== 'AGE-SECRET-KEY-' ||
      res.bytes.length !== 32
    ) {
      throw Error('invalid identity')
    }
    scalar = res.bytes
  }
  const recipient = await x25519.scalarMultBase(scalar)
  return base_1.bech32.encodeFromBytes('age', recipient)
}
class HybridRecipient {
  recipient
  constructor(s) {
    const { prefix, words } = base_1.bech32.decode(s, false)
    const bytes = base_1.bech32.fromWords(words)
    if (!s.startsWith('age1pq1') || prefix.toLowerCase() !== 'age1pq' || bytes.length !== 1216) {
      throw Error('invalid recipient')
    }
    this.recipient = bytes
  }
  wrapFileKey(fileKey) {
    const { cipherText: encapsulatedKey, sharedSecret } = hybrid_js_1.MLKEM768X25519.encapsulate(this.recipient)
    const label = new TextEncoder().encode('age-encryption.org/mlkem768x25519')
    const { key, nonce } = hpkeContext(hpkeMLKEM768X25519, sharedSecret, label)
    const ciphertext = (0, chacha_js_1.chacha20poly1305)(key, nonce).encrypt(fileKey)
    return [new format_js_1.Stanza(['mlkem768x25519', base_2.base64nopad.encode(encapsulatedKey)], ciphertext)]
  }
}
exports.HybridRecipient = HybridRecipient
class HybridIdentity {
  identity
  constructor(s) {
    const res = base_1.bech32.decodeToBytes(s)
    if (
      !s.startsWith('AGE-SECRET-KEY-PQ-1') ||
      res.prefix.toUpperCase() !== 'AGE-SECRET-KEY-PQ-' ||
      res.bytes.length !== 32
    ) {
      throw Error('invalid identity')
    }
    this.identity = res.bytes
  }
  unwrapFileKey(stanzas) {
    for (const s of stanzas) {
      if (s.args.length < 1 || s.args[0] !== 'mlkem768x25519') {
        continue
      }
      if (s.args.length !== 2) {
        throw Error('invalid mlkem768x25519 stanza')
      }
      const share = base_2.base64nopad.decode(s.args[1])
      if (share.length !== 1120) {
        throw Error('invalid mlkem768x25519 stanza')
      }
      if (s.body.length !== 32) {
        throw Error('invalid mlkem768x25519 stanza')
      }
      const sharedSecret = hybrid_js_1.MLKEM768X25519.decapsulate(share, this.identity)
      const label = new TextEncoder().encode('age-encryption.org/mlkem768x25519')
      const { key, nonce } = hpkeContext(hpkeMLKEM768X25519, sharedSecret, label)
      try {
        return (0, chacha_js_1.chacha20poly1305)(key, nonce).decrypt(s.body)
      } catch {
        continue
      }
    }
    return null
  }
}
exports.HybridIdentity = HybridIdentity
const hpkeMLKEM768X25519 = 0x647a
const hpkeMLKEM768P256 = 0x0050
const hpkeDHKEMP256 = 0x0010
function hpkeContext(kemID, sharedSecret, info) {
  const suiteID = hpkeSuiteID(kemID)
  const pskIDHash = hpkeLabeledExtract(suiteID, undefined, 'psk_id_hash', new Uint8Array(0))
  const infoHash = hpkeLabeledExtract(suiteID, undefined, 'info_hash', info)
  const ksContext = new Uint8Array(1 + pskIDHash.length + infoHash.length)
  ksContext[0] = 0x00
  ksContext.set(pskIDHash, 1)
  ksContext.set(infoHash, 1 + pskIDHash.length)
  const secret = hpkeLabeledExtract(suiteID, sharedSecret, 'secret', new Uint8Array(0))
  const key = hpkeLabeledExpand(suiteID, secret, 'key', ksContext, 32)
  const nonce = hpkeLabeledExpand(suiteID, secret, 'base_nonce', ksContext, 12)
  return { key, nonce }
}
function hpkeSuiteID(kemID) {
  const suiteID = new Uint8Array(10)
  suiteID.set(new TextEncoder().encode('HPKE'), 0)
  suiteID[4] = (kemID >> 8) & 0xff
  suiteID[5] = kemID & 0xff
  suiteID[6] = 0x00
  suiteID[7] = 0x01
  suiteID[8] = 0x00
  suiteID[9] = 0x03
  return suiteID
}
function hpkeLabeledExtract(suiteID, salt, label, ikm) {
  const labeledIKM = new Uint8Array(7 + suiteID.length + label.length + ikm.length)
  let offset = 0
  labeledIKM.set(new TextEncoder().encode('HPKE-v1'), offset)
  offset += 'HPKE-v1'.length
  labeledIKM.set(suiteID, offset)
  offset += suiteID.length
  labeledIKM.set(new TextEncoder().encode(label), offset)
  offset += label.length
  labeledIKM.set(ikm, offset)
  return (0, hkdf_js_1.extract)(sha2_js_1.sha256, labeledIKM, salt)
}
function hpkeLabeledExpand(suiteID, prk, label, info, length) {
  const labeledInfo = new Uint8Array(2 + 7 + suiteID.length + label.length + info.length)
  let offset = 0
  labeledInfo[offset] = (length >> 8) & 0xff
  labeledInfo[offset + 1] = length & 0xff
  offset += 2
  labeledInfo.set(new TextEncoder().encode('HPKE-v1'), offset)
  offset += 'HPKE-v1'.length
  labeledInfo.set(suiteID, offset)
  offset += suiteID.length
  labeledInfo.set(new TextEncoder().encode(label), offset)
  offset += label.length
  labeledInfo.set(info, offset)
  return (0, hkdf_js_1.expand)(sha2_js_1.sha256, prk, labeledInfo, length)
}
function hpkeDHKEMP256Encapsulate(recipient) {
  if (recipient.length !== nist_js_1.p256.lengths.publicKeyUncompressed) {
    recipient = nist_js_1.p256.Point.fromBytes(recipient).toBytes(false)
  }
  const ephemeral = nist_js_1.p256.utils.randomSecretKey()
  const encapsulatedKey = nist_js_1.p256.getPublicKey(ephemeral, false)
  const ss = nist_js_1.p256.getSharedSecret(ephemeral, recipient, true).subarray(1)
  const kemContext = new Uint8Array(encapsulatedKey.length + recipient.length)
  kemContext.set(encapsulatedKey, 0)
  kemContext.set(recipient, encapsulatedKey.length)
  const suiteID = new Uint8Array(5)
  suiteID.set(new TextEncoder().encode('KEM'), 0)
  suiteID[3] = hpkeDHKEMP256 >> 8
  suiteID[4] = hpkeDHKEMP256 & 0xff
  const eaePRK = hpkeLabeledExtract(suiteID, undefined, 'eae_prk', ss)
  const sharedSecret = hpkeLabeledExpand(suiteID, eaePRK, 'shared_secret', kemContext, 32)
  return { encapsulatedKey, sharedSecret }
}
class TagRecipient {
  recipient
  constructor(s) {
    const res = base_1.bech32.decodeToBytes(s)
    if (!s.startsWith('age1tag1') || res.prefix.toLowerCase() !== 'age1tag' || res.bytes.length !== 33) {
      throw Error('invalid recipient')
    }
    this.recipient = res.bytes
  }
  wrapFileKey(fileKey) {
    const { encapsulatedKey, sharedSecret } = hpkeDHKEMP256Encapsulate(this.recipient)
    const label = new TextEncoder().encode('age-encryption.org/p256tag')
    const tag = (() => {
      const recipientHash = (0, sha2_js_1.sha256)(this.recipient).subarray(0, 4)
      const ikm = new Uint8Array(encapsulatedKey.length + recipientHash.length)
      ikm.set(encapsulatedKey, 0)
      ikm.set(recipientHash, encapsulatedKey.length)
      return (0, hkdf_js_1.extract)(sha2_js_1.sha256, ikm, label).subarray(0, 4)
    })()
    const { key, nonce } = hpkeContext(hpkeDHKEMP256, sharedSecret, label)
    const ciphertext = (0, chacha_js_1.chacha20poly1305)(key, nonce).encrypt(fileKey)
    return [
      new format_js_1.Stanza(
        ['p256tag', base_2.base64nopad.encode(tag), base_2.base64nopad.encode(encapsulatedKey)],
        ciphertext,
      ),
    ]
  }
}
exports.TagRecipient = TagRecipient
class HybridTagRecipient {
  recipient
  constructor(s) {
    const { prefix, words } = base_1.bech32.decode(s, false)
    const bytes = base_1.bech32.fromWords(words)
    if (!s.startsWith('age1tagpq1') || prefix.toLowerCase() !== 'age1tagpq' || bytes.length !== 1249) {
      throw Error('invalid recipient')
    }
    this.recipient = bytes
  }
  wrapFileKey(fileKey) {
    const { cipherText: encapsulatedKey, sharedSecret } = hybrid_js_1.MLKEM768P256.encapsulate(this.recipient)
    const label = new TextEncoder().encode('age-encryption.org/mlkem768p256tag')
    const tag = (() => {
      const recipientHash = (0, sha2_js_1.sha256)(this.recipient.subarray(1184)).subarray(0, 4)
      const ikm = new Uint8Array(encapsulatedKey.length + recipientHash.length)
      ikm.set(encapsulatedKey, 0)
      ikm.set(recipientHash, encapsulatedKey.length)
      return (0, hkdf_js_1.extract)(sha2_js_1.sha256, ikm, label).subarray(0, 4)
    })()
    const { key, nonce } = hpkeContext(hpkeMLKEM768P256, sharedSecret, label)
    const ciphertext = (0, chacha_js_1.chacha20poly1305)(key, nonce).encrypt(fileKey)
    return [
      new format_js_1.Stanza(
        ['mlkem768p256tag', base_2.base64nopad.encode(tag), base_2.base64nopad.encode(encapsulatedKey)],
        ciphertext,
      ),
    ]
  }
}
exports.HybridTagRecipient = HybridTagRecipient
class X25519Recipient {
  recipient
  constructor(s) {
    const res = base_1.bech32.decodeToBytes(s)
    if (!s.startsWith('age1') || res.prefix.toLowerCase() !== 'age' || res.bytes.length !== 32) {
      throw Error('invalid recipient')
    }
    this.recipient = res.bytes
  }
  async wrapFileKey(fileKey) {
    const ephemeral = (0, utils_js_1.randomBytes)(32)
    const share = await x25519.scalarMultBase(ephemeral)
    const secret = await x25519.scalarMult(ephemeral, this.recipient)
    const salt = new Uint8Array(share.length + this.recipient.length)
    salt.set(share)
    salt.set(this.recipient, share.length)
    const label = new TextEncoder().encode('age-encryption.org/v1/X25519')
    const key = (0, hkdf_js_1.hkdf)(sha2_js_1.sha256, secret, salt, label, 32)
    return [new format_js_1.Stanza(['X25519', base_2.base64nopad.encode(share)], encryptFileKey(fileKey, key))]
  }
}
exports.X25519Recipient = X25519Recipient
class X25519Identity {
  identity
  recipient
  constructor(s) {
    if (isCryptoKey(s)) {
      this.identity = s
      this.recipient = x25519.scalarMultBase(s)
      return
    }
    const res = base_1.bech32.decodeToBytes(s)
    if (
      !s.startsWith('AGE-SECRET-KEY-1') ||
      res.prefix.toUpperCase() !== 'AGE-SECRET-KEY-' ||
      res.bytes.length !== 32
    ) {
      throw Error('invalid identity')
    }
    this.identity = res.bytes
    this.recipient = x25519.scalarMultBase(res.bytes)
  }
  async unwrapFileKey(stanzas) {
    for (const s of stanzas) {
      if (s.args.length < 1 || s.args[0] !== 'X25519') {
        continue
      }
      if (s.args.length !== 2) {
        throw Error('invalid X25519 stanza')
      }
      const share = base_2.base64nopad.decode(s.args[1])
      if (share.length !== 32) {
        throw Error('invalid X25519 stanza')
      }
      const secret = await x25519.scalarMult(this.identity, share)
      const recipient = await this.recipient
      const salt = new Uint8Array(share.length + recipient.length)
      salt.set(share)
      salt.set(recipient, share.length)
      const label = new TextEncoder().encode('age-encryption.org/v1/X25519')
      const key = (0, hkdf_js_1.hkdf)(sha2_js_1.sha256, secret, salt, label, 32)
      const fileKey = decryptFileKey(s.body, key)
      if (fileKey !== null) return fileKey
    }
    return null
  }
}
exports.X25519Identity = X25519Identity
class ScryptRecipient {
  passphrase
  logN
  constructor(passphrase, logN) {
    this.passphrase = passphrase
    this.logN = logN
  }
  wrapFileKey(fileKey) {
    const salt = (0, utils_js_1.randomBytes)(16)
    const label = 'age-encryption.org/v1/scrypt'
    const labelAndSalt = new Uint8Array(label.length + 16)
    labelAndSalt.set(new TextEncoder().encode(label))
    labelAndSalt.set(salt, label.length)
    const key = (0, scrypt_js_1.scrypt)(this.passphrase, labelAndSalt, { N: 2 ** this.logN, r: 8, p: 1, dkLen: 32 })
    return [
      new format_js_1.Stanza(
        ['scrypt', base_2.base64nopad.encode(salt), this.logN.toString()],
        encryptFileKey(fileKey, key),
      ),
    ]
  }
}
exports.ScryptRecipient = ScryptRecipient
class ScryptIdentity {
  passphrase
  constructor(passphrase) {
    this.passphrase = passphrase
  }
  unwrapFileKey(stanzas) {
    for (const s of stanzas) {
      if (s.args.length < 1 || s.args[0] !== 'scrypt') {
        continue
      }
      if (stanzas.length !== 1) {
        throw Error('scrypt recipient is not the only one in the header')
      }
      if (s.args.length !== 3) {
        throw Error('invalid scrypt stanza')
      }
      if (!/^[1-9][0-9]*$/.test(s.args[2])) {
        throw Error('invalid scrypt stanza')
      }
      const salt = base_2.base64nopad.decode(s.args[1])
      if (salt.length !== 16) {
        throw Error('invalid scrypt stanza')
      }
      const logN = Number(s.args[2])
      if (logN > 20) {
        throw Error('scrypt work factor is too high')
      }
      const label = 'age-encryption.org/v1/scrypt'
      const labelAndSalt = new Uint8Array(label.length + 16)
      labelAndSalt.set(new TextEncoder().encode(label))
      labelAndSalt.set(salt, label.length)
      const key = (0, scrypt_js_1.scrypt)(this.passphrase, labelAndSalt, { N: 2 ** logN, r: 8, p: 1, dkLen: 32 })
      const fileKey = decryptFileKey(s.body, key)
      if (fileKey !== null) return fileKey
    }
    return null
  }
}
exports.ScryptIdentity = ScryptIdentity
function encryptFileKey(fileKey, key) {
  const nonce = new Uint8Array(12)
  return (0, chacha_js_1.chacha20poly1305)(key, nonce).encrypt(fileKey)
}
function decryptFileKey(body, key) {
  if (body.length !== 32) {
    throw Error('invalid stanza')
  }
  const nonce = new Uint8Array(12)
  try {
    return (0, chacha_js_1.chacha20poly1305)(key, nonce).decrypt(body)
  } catch {
    return null
  }
}
function isCryptoKey(key) {
  return typeof CryptoKey !== 'undefined' && key instanceof CryptoKey
}
