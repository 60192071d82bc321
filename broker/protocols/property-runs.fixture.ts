/** The one setting, under the name that it has had here. */
export { PROPERTY_RUNS } from "../formats/property-runs.fixture.ts";
