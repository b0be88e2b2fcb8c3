"""Words for the indicator letters of CMS's HCPCS file.

Source: CMS, HCPCS Contr. record layout (fields 9 pricing indicator, 16 coverage code, 25 type of service). Indicators
that CMS has retired are left out: a letter without words is shown as the letter.
"""

COVERAGE = {
    "C": "Carrier judgment: the Medicare contractor decides",
    "D": "Special coverage instructions apply",
    "I": "Not payable by Medicare",
    "M": "Non-covered by Medicare",
    "S": "Non-covered by Medicare statute",
}

PRICING = {
    "00": "Not separately priced by Part B (not covered, bundled, or used by Part A only)",
    "11": "Priced with national relative value units (physician fee schedule)",
    "12": "Priced with national anesthesia base units",
    "13": "Priced by the contractor (physician fee schedule)",
    "21": "Clinical laboratory fee schedule, national limitation amount",
    "22": "Clinical laboratory fee schedule, priced by the contractor",
    "31": "Frequently serviced durable medical equipment",
    "32": "Inexpensive and routinely purchased durable medical equipment",
    "33": "Oxygen and oxygen equipment",
    "34": "Supplies for durable medical equipment",
    "35": "Surgical dressings",
    "36": "Capped rental durable medical equipment",
    "37": "Ostomy, tracheostomy and urological supplies",
    "38": "Orthotics, prosthetics, prosthetic devices and vision services",
    "39": "Parenteral and enteral nutrition",
    "45": "Customized durable medical equipment",
    "46": "Priced by the contractor (equipment and supplies)",
    "51": "Drugs",
    "52": "Reasonable charge",
    "53": "Priced by statute",
    "54": "Vaccinations",
    "55": "Splints and casts",
    "56": "Intraocular lenses inserted in a physician's office",
    "57": "Other, priced by the contractor",
    "99": "Value not established",
}

TYPE_OF_SERVICE = {
    "0": "Whole blood",
    "1": "Medical care",
    "2": "Surgery",
    "3": "Consultation",
    "4": "Diagnostic radiology",
    "5": "Diagnostic laboratory",
    "6": "Therapeutic radiology",
    "7": "Anesthesia",
    "8": "Assistant at surgery",
    "9": "Other medical items or services",
    "A": "Used durable medical equipment",
    "D": "Ambulance",
    "E": "Enteral and parenteral nutrients and supplies",
    "F": "Ambulatory surgical center",
    "G": "Immunosuppressive drugs",
    "J": "Diabetic shoes",
    "K": "Hearing items and services",
    "L": "Supplies for end-stage renal disease",
    "M": "Monthly capitation payment for dialysis",
    "N": "Kidney donor",
    "P": "Lump sum purchase of equipment, prosthetics, orthotics",
    "Q": "Vision items or services",
    "R": "Rental of durable medical equipment",
    "S": "Surgical dressings or other medical supplies",
    "T": "Outpatient mental health limitation",
    "U": "Occupational therapy",
    "V": "Pneumococcal, influenza or hepatitis B vaccine",
    "W": "Physical therapy",
}
