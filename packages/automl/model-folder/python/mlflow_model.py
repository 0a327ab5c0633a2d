

import mlflow.pyfunc


class FoveaModel(mlflow.pyfunc.PythonModel):
    """What python_model.pkl holds: an empty object of this class, which reads everything else from the folder."""

    def load_context(self, context):
        def read(name):
            with open(context.artifacts[name], encoding="utf-8") as file:
                return json.load(file)

        loader = read("loader")
        settings = {
            **loader["settings"],
            **read("settings"),
            **loader["input"],
            "task_type": loader["task"].replace("_", "-"),
            "first_label": loader.get("first_label", 0),
            "labels": read("labels"),
        }
        self.scorer = Scorer.of_onnx(context.artifacts["onnx"], settings)

    def predict(self, context, model_input, params=None):
        """model_input: a DataFrame with the column image, or a list; each the bytes of an image file, or base64.
        Returns a DataFrame with the columns probs and labels, or with boxes."""
        import pandas

        cells = model_input["image"].tolist() if hasattr(model_input, "columns") else list(model_input)
        answers = self.scorer.score([image_of_cell(cell, index) for index, cell in enumerate(cells)])
        return pandas.DataFrame(answers, columns=Scorer.COLUMNS)
