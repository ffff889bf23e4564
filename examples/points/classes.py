#!/usr/bin/env python3
"""The classes of records in the order of a network's outputs, a line each.

    python3 classes.py TRUTH.jsonl [CLASSES]

CLASSES, where it is given, is the list as it is (a line a class). Else it is the order of the annotations' label_id, as in the files of ActionFormer's
repository; numbers without an annotation become "class N". Without label_id: by name.
"""
import json
import sys


def main():
    if len(sys.argv) > 2:
        sys.stdout.write(open(sys.argv[2], encoding="utf-8").read())
        return
    names, numbered = {}, True
    for line in open(sys.argv[1], encoding="utf-8"):
        for annotation in json.loads(line).get("annotations", []):
            label, number = annotation.get("label"), annotation.get("label_id")
            if label is None:
                continue
            numbered = numbered and isinstance(number, int)
            if names.setdefault(label, number) != number:
                sys.exit(f"classes.py: '{label}' has the label_id {names[label]} and {number}")
    if not names:
        sys.exit("classes.py: the annotations have no labels")
    if not numbered:
        print(*sorted(names), sep="\n")
        return
    of_number = {}
    for label, number in names.items():
        if of_number.setdefault(number, label) != label:
            sys.exit(f"classes.py: label_id {number} is '{of_number[number]}' and '{label}'")
    print(*(of_number.get(number, f"class {number}") for number in range(max(of_number) + 1)), sep="\n")


main()
