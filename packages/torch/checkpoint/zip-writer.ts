import { crc32 } from 'node:zlib';

export interface ZipWriter {
  /** Adds an entry; its bytes may be reused once the promise is done. */
  add(name: string, bytes: Uint8Array): Promise<void>;
  /** Writes the directory; nothing can be added after that. */
  end(): Promise<void>;
}

interface Written {
  name: Buffer;
  size: number;
  crc: number;
  position: number;
}

/** Sizes and positions from here on are in zip64 fields; 0xffffffff in the plain field then stands for "look there". */
const ZIP64_FROM = 0xffffffff;
const MOST_PLAIN_ENTRIES = 0xffff;

/** Where an entry's content begins: a multiple of this, so that it can be mapped into memory as elements of any type. */
export const ALIGNMENT = 64;

/** Names are UTF-8. */
const FLAGS = 1 << 11;
const VERSION_PLAIN = 20;
const VERSION_ZIP64 = 45;
/** The extra field in which PyTorch puts its padding: "FB", length, so many Z. */
const PADDING_ID = 0x4246;
const PADDING = 'Z';
const ZIP64_ID = 1;
const LOCAL_BYTES = 30;

/**
 * Writes a zip archive of uncompressed entries, in one go and in the layout of PyTorch's own writer: contents begin at multiples of 64
 * bytes, dates are zero, so that the same entries give the same bytes. Zip64 fields are used only where they are needed.
 * Definition: PKWARE APPNOTE.TXT 6.3.10, sections 4.3 and 4.5.3; the padding: caffe2/serialize/inline_container.cc.
 *
 * @param write takes the archive's bytes, from its first one on
 * @param zip64From lowest size or position that is written as zip64
 */
export function zipWriter(
  write: (bytes: Uint8Array) => Promise<void>,
  { zip64From = ZIP64_FROM }: { zip64From?: number } = {},
): ZipWriter {
  const entries: Written[] = [];
  let position = 0;
  const put = async (bytes: Uint8Array) => {
    await write(bytes);
    position += bytes.length;
  };
  return {
    async add(name, bytes) {
      const entry = { name: Buffer.from(name), size: bytes.length, crc: crc32(bytes), position };
      entries.push(entry);
      await put(localHeader(entry, zip64From));
      await put(bytes);
    },
    async end() {
      const start = position;
      for (const entry of entries) await put(directoryEntry(entry, zip64From));
      await put(endRecords(entries.length, start, position - start, zip64From));
    },
  };
}

function localHeader({ name, size, crc, position }: Written, zip64From: number): Buffer {
  const large = size >= zip64From;
  const sizes = large ? zip64Field([size, size]) : Buffer.alloc(0);
  const unpadded = position + LOCAL_BYTES + name.length + sizes.length + 4;
  const padding = Buffer.alloc(4 + ((ALIGNMENT - (unpadded % ALIGNMENT)) % ALIGNMENT), PADDING);
  padding.writeUInt16LE(PADDING_ID, 0);
  padding.writeUInt16LE(padding.length - 4, 2);

  const header = Buffer.alloc(LOCAL_BYTES);
  header.writeUInt32LE(0x04034b50, 0);
  header.writeUInt16LE(large ? VERSION_ZIP64 : VERSION_PLAIN, 4);
  header.writeUInt16LE(FLAGS, 6);
  header.writeUInt32LE(crc, 14);
  header.writeUInt32LE(large ? 0xffffffff : size, 18);
  header.writeUInt32LE(large ? 0xffffffff : size, 22);
  header.writeUInt16LE(name.length, 26);
  header.writeUInt16LE(sizes.length + padding.length, 28);
  return Buffer.concat([header, name, sizes, padding]);
}

function directoryEntry({ name, size, crc, position }: Written, zip64From: number): Buffer {
  const large = [size, size, position].map((value) => value >= zip64From);
  const values = [size, size, position].filter((_, i) => large[i]);
  const extra = values.length > 0 ? zip64Field(values) : Buffer.alloc(0);

  const header = Buffer.alloc(46);
  header.writeUInt32LE(0x02014b50, 0);
  header.writeUInt16LE(values.length > 0 ? VERSION_ZIP64 : VERSION_PLAIN, 4);
  header.writeUInt16LE(values.length > 0 ? VERSION_ZIP64 : VERSION_PLAIN, 6);
  header.writeUInt16LE(FLAGS, 8);
  header.writeUInt32LE(crc, 16);
  header.writeUInt32LE(large[0] ? 0xffffffff : size, 20);
  header.writeUInt32LE(large[1] ? 0xffffffff : size, 24);
  header.writeUInt16LE(name.length, 28);
  header.writeUInt16LE(extra.length, 30);
  header.writeUInt32LE(large[2] ? 0xffffffff : position, 42);
  return Buffer.concat([header, name, extra]);
}

function endRecords(count: number, start: number, bytes: number, zip64From: number): Buffer {
  const end = Buffer.alloc(22);
  const many = count >= MOST_PLAIN_ENTRIES;
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(many ? 0xffff : count, 8);
  end.writeUInt16LE(many ? 0xffff : count, 10);
  end.writeUInt32LE(bytes >= zip64From ? 0xffffffff : bytes, 12);
  end.writeUInt32LE(start >= zip64From ? 0xffffffff : start, 16);
  if (!many && bytes < zip64From && start < zip64From) return end;

  const end64 = Buffer.alloc(56);
  end64.writeUInt32LE(0x06064b50, 0);
  end64.writeBigUInt64LE(56n - 12n, 4);
  end64.writeUInt16LE(VERSION_ZIP64, 12);
  end64.writeUInt16LE(VERSION_ZIP64, 14);
  end64.writeBigUInt64LE(BigInt(count), 24);
  end64.writeBigUInt64LE(BigInt(count), 32);
  end64.writeBigUInt64LE(BigInt(bytes), 40);
  end64.writeBigUInt64LE(BigInt(start), 48);
  const locator = Buffer.alloc(20);
  locator.writeUInt32LE(0x07064b50, 0);
  locator.writeBigUInt64LE(BigInt(start + bytes), 8);
  locator.writeUInt32LE(1, 16);
  return Buffer.concat([end64, locator, end]);
}

function zip64Field(values: readonly number[]): Buffer {
  const field = Buffer.alloc(4 + 8 * values.length);
  field.writeUInt16LE(ZIP64_ID, 0);
  field.writeUInt16LE(8 * values.length, 2);
  values.forEach((value, i) => {
    field.writeBigUInt64LE(BigInt(value), 4 + 8 * i);
  });
  return field;
}
