"""Names used by scenes, questions and answers: object classes, textures, colours and places.

Every name is one lower-case word, so that the tokenizer can make it one piece.
The classes were picked to differ in shape, because scenes recolour them.
"""

CLASSES = {
    "dog": "🐕", "cat": "🐈", "rabbit": "🐇", "fox": "🦊", "panda": "🐼", "koala": "🐨", "tiger": "🐅",
    "lion": "🦁", "cow": "🐄", "pig": "🐖", "frog": "🐸", "monkey": "🐒", "penguin": "🐧", "duck": "🦆",
    "eagle": "🦅", "owl": "🦉", "bat": "🦇", "horse": "🐎", "unicorn": "🦄", "bee": "🐝", "butterfly": "🦋",
    "snail": "🐌", "ladybug": "🐞", "ant": "🐜", "scorpion": "🦂", "turtle": "🐢", "snake": "🐍",
    "lizard": "🦎", "octopus": "🐙", "squid": "🦑", "crab": "🦀", "fish": "🐟", "whale": "🐳",
    "shark": "🦈", "zebra": "🦓", "elephant": "🐘", "camel": "🐫", "giraffe": "🦒", "kangaroo": "🦘",
    "sheep": "🐑", "deer": "🦌", "parrot": "🦜", "flamingo": "🦩", "hedgehog": "🦔",
    "cactus": "🌵", "tree": "🌳", "palm": "🌴", "rose": "🌹", "tulip": "🌷", "sunflower": "🌻",
    "mushroom": "🍄", "clover": "🍀", "apple": "🍎", "pear": "🍐", "lemon": "🍋", "banana": "🍌",
    "watermelon": "🍉", "grapes": "🍇", "strawberry": "🍓", "cherries": "🍒", "pineapple": "🍍",
    "avocado": "🥑", "broccoli": "🥦", "corn": "🌽", "carrot": "🥕", "croissant": "🥐", "pretzel": "🥨",
    "cheese": "🧀", "egg": "🥚", "bacon": "🥓", "burger": "🍔", "fries": "🍟", "pizza": "🍕", "taco": "🌮",
    "popcorn": "🍿", "donut": "🍩", "cake": "🎂", "cupcake": "🧁", "candy": "🍬", "lollipop": "🍭",
    "honey": "🍯", "milk": "🥛", "coffee": "☕", "beer": "🍺", "wine": "🍷", "soccer": "⚽",
    "basketball": "🏀", "tennis": "🎾", "trophy": "🏆", "guitar": "🎸", "violin": "🎻", "trumpet": "🎺",
    "drum": "🥁", "microphone": "🎤", "headphones": "🎧", "camera": "📷", "television": "📺",
    "telephone": "☎", "laptop": "💻", "clock": "⏰", "bulb": "💡", "key": "🔑", "lock": "🔒",
    "hammer": "🔨", "scissors": "✂", "umbrella": "☂", "glasses": "👓", "crown": "👑", "hat": "🎩",
    "shirt": "👕", "dress": "👗", "shoe": "👟", "boot": "👢", "backpack": "🎒", "gift": "🎁",
    "balloon": "🎈", "bell": "🔔", "car": "🚗", "bus": "🚌", "tractor": "🚜", "bicycle": "🚲",
    "train": "🚂", "helicopter": "🚁", "rocket": "🚀", "boat": "⛵", "house": "🏠", "castle": "🏰",
    "tent": "⛺", "moon": "🌙", "star": "⭐", "rainbow": "🌈", "snowman": "⛄", "fire": "🔥",
    "robot": "🤖", "ghost": "👻", "skull": "💀", "heart": "❤", "pumpkin": "🎃", "dice": "🎲",
    "magnet": "🧲", "telescope": "🔭", "microscope": "🔬", "chair": "🪑", "toilet": "🚽",
}
CLASS_NAMES = list(CLASSES)

TEXTURES = ["plain", "gradient", "stripes", "grid", "checks", "dots", "waves", "rings", "bricks", "noise", "photo"]

#: Hue in degrees, saturation, value: of backgrounds and of recoloured objects.
COLOURS = {
    "red": (0, .80, .85), "orange": (28, .88, .95), "yellow": (54, .80, .95), "green": (120, .65, .65),
    "cyan": (183, .70, .80), "blue": (225, .75, .85), "purple": (275, .60, .75), "pink": (330, .45, .98),
}
COLOUR_NAMES = list(COLOURS)
BACKGROUND_COLOURS = COLOUR_NAMES + ["grey"]

#: Objects sit in the cells of a grid of two rows and three columns.
COLUMNS = ["left", "middle", "right"]
ROWS = ["top", "bottom"]
NUMBERS = ["zero", "one", "two", "three", "four"]
