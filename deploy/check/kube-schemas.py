"""Makes the schemas that kubeconform reads: kube-schemas.py OUTDIR WHEELDIR CRD_JSON... -- VERSION...

The schemas of Kubernetes come out of the wheel of kubernetes-validate in WHEELDIR; each CRD adds the kinds that it defines,
closed against unknown fields as the others are. OUTDIR/VERSION/ then holds one file a kind, named as kubeconform asks.
"""

import glob
import json
import pathlib
import sys
import zipfile


def closed(schema):
    """An object that lists its properties has no others."""
    if isinstance(schema, dict):
        schema = {key: closed(value) for key, value in schema.items()}
        if isinstance(schema.get("properties"), dict) and schema.get("type", "object") == "object":
            schema.setdefault("additionalProperties", False)
    elif isinstance(schema, list):
        schema = [closed(item) for item in schema]
    return schema


def write_kubernetes(wheel, version, folder):
    prefix = f"kubernetes_validate/kubernetes-json-schema/v{version}-local-strict/"
    names = [n for n in wheel.namelist() if n.startswith(prefix) and n.endswith(".json")]
    if not names:
        sys.exit(f"kubernetes-validate has no schemas of {version}: expected files below {prefix}")
    for name in names:
        schema = json.loads(wheel.read(name))
        schema.pop("$id", None)
        text = json.dumps(schema).replace('"/api/_definitions.json#', f'"file://{folder}/_definitions.json#')
        (folder / name[len(prefix):]).write_text(text)
    return len(names)


def write_crd(path, folder):
    crd = json.loads(pathlib.Path(path).read_text())
    for version in crd["spec"]["versions"]:
        group = crd["spec"]["group"].split(".")[0]
        name = f'{crd["spec"]["names"]["kind"].lower()}-{group}-{version["name"]}.json'
        (folder / name).write_text(json.dumps(closed(version["schema"]["openAPIV3Schema"])))


def main():
    split = sys.argv.index("--")
    out, wheels, *crds = sys.argv[1:split]
    (wheel_path,) = glob.glob(f"{wheels}/kubernetes_validate-*.whl")
    with zipfile.ZipFile(wheel_path) as wheel:
        for version in sys.argv[split + 1:]:
            folder = pathlib.Path(out).resolve() / version
            folder.mkdir(parents=True, exist_ok=True)
            count = write_kubernetes(wheel, version, folder)
            for crd in crds:
                write_crd(crd, folder)
            print(f"  {count} schemas of Kubernetes {version}")


main()
