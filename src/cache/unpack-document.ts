/**
 * Turns a packed document back into the document that compiling takes, piece by piece. It checks nothing:
 * what is packed was checked.
 */
import type { EnvironmentDocument } from "../models/environment-document.ts";
import { parseJson } from "../models/json.ts";
import type { PackedDocument } from "../models/packed-document.ts";

/**
 * A step is one of the packed lists.
 * @returns the document without its identity overrides, which stay packed
 */
export function* unpackInSteps(packed: PackedDocument): Generator<undefined, EnvironmentDocument> {
  const shell = parsePiece<EnvironmentDocument>(packed.shell);
  yield;
  const featureStates = yield* unpackList<EnvironmentDocument["feature_states"][number]>(
    packed.featureStates,
  );
  const segments = yield* unpackList<NonNullable<EnvironmentDocument["project"]["segments"]>[number]>(
    packed.segments,
  );
  return { ...shell, feature_states: featureStates, project: { ...shell.project, segments } };
}

function* unpackList<Item>(pieces: readonly Uint8Array[]): Generator<undefined, Item[]> {
  const items: Item[] = [];
  for (const piece of pieces) {
    for (const item of parsePiece<Item[]>(piece)) items.push(item);
    yield;
  }
  return items;
}

function parsePiece<Value>(bytes: Uint8Array): Value {
  return parseJson(new TextDecoder().decode(bytes)) as Value;
}
